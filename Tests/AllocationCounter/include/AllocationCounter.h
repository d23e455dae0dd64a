#pragma once

/// Whether allocations are counted: not under a sanitizer, which has a malloc of its own.
int countsAllocations(void);

/// How often the calling thread has asked for memory since it began.
long allocationCount(void);
