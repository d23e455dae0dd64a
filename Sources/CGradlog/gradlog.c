#include "gradlog.h"
