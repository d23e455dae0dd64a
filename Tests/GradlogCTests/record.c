/* Records with nothing but gradlog.h, and prints what the calls say. The test reads the file. */
#include "gradlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, int32_t status) {
  printf("%s: %" PRId32, what, status);
  if (status) printf(" %s; %s", gradlog_last_problem(), gradlog_last_remedy());
  printf("\n");
}

static int findings = 0;

static void on_finding(const gradlog_finding *finding, void *user_data) {
  if (strcmp(finding->rule, "nonfinite") == 0 && finding->value == 2) ++*(int *)user_data;
}

static const int64_t square[] = {2, 3};
static const float six[] = {1, 2, 3, 4, 5, -0.0f};

/* Every form of a tensor. */
static void record_forms(gradlog_recorder *recorder) {
  static const uint16_t halves[] = {0x3C00, 0x0001, 0x7E01};
  static const double scalar = 4.9406564584124654e-324;
  static const int64_t three[] = {3}, empty[] = {0, 4}, table[] = {5, 2}, turned[] = {3, 2};
  static const int64_t transposed[] = {4, 12}, backwards[] = {-12, -4}, repeated[] = {0, 4};
  static const int64_t indices[] = {4, 1, 4};
  const char *bytes = (const char *)six;
  gradlog_gradient gradients[] = {
      {.weight = "contiguous", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = square, .data = six},
      {.weight = "transposed", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = turned,
       .strides = transposed, .data = six},
      {.weight = "backwards", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = square,
       .strides = backwards, .data = bytes + 20},
      {.weight = "repeated", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = square,
       .strides = repeated, .data = six},
      {.weight = "half", .dtype = GRADLOG_FLOAT16, .rank = 1, .shape = three, .data = halves},
      {.weight = "brain", .dtype = GRADLOG_BFLOAT16, .rank = 1, .shape = three, .data = halves},
      {.weight = "scalar", .dtype = GRADLOG_FLOAT64, .data = &scalar},
      {.weight = "empty", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = empty},
      {.weight = "rows", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = table, .data = six,
       .indices = indices, .index_count = 3},
      {.weight = "gr\xC3\xB6\xC3\x9F" "e"},
      {.weight = "fixed", .dtype = GRADLOG_FROZEN},
  };
  gradlog_batch_context context = {.size = sizeof context,
                                   .has = GRADLOG_HAS_LOSS | GRADLOG_HAS_LEARNING_RATE,
                                   .loss = 0.5,
                                   .learning_rate = 0.01};
  say("forms", gradlog_record(recorder, &context, gradients, sizeof gradients / sizeof *gradients));
}

/* A batch in pieces, and one that is thrown away. */
static void record_pieces(gradlog_recorder *recorder) {
  gradlog_gradient gradient = {
      .weight = "contiguous", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = square, .data = six};
  gradlog_batch_context context = {.size = sizeof context, .epoch = 1, .has = GRADLOG_HAS_STEP,
                                   .step = 7, .optimizer = "adam", .call = 2};
  gradlog_batch *batch;
  say("begin", gradlog_begin(recorder, &context, &batch));
  say("add", gradlog_add(batch, &gradient));
  gradlog_discard(batch);
  say("begin", gradlog_begin(recorder, &context, &batch));
  say("add", gradlog_add(batch, &gradient));
  say("end", gradlog_end(batch));
}

static void record_mistakes(gradlog_recorder *recorder) {
  gradlog_batch_context context = {.size = sizeof context, .epoch = 2};
  gradlog_gradient gradient = {.weight = "w", .dtype = 9, .rank = 2, .shape = square, .data = six};
  say("dtype", gradlog_record(recorder, &context, &gradient, 1));
  gradient.dtype = GRADLOG_FLOAT32;
  gradient.data = NULL;
  say("data", gradlog_record(recorder, &context, &gradient, 1));
  gradient.weight = "\xFF";
  say("name", gradlog_record(recorder, &context, &gradient, 1));
  context.epoch = -1;
  say("epoch", gradlog_record(recorder, &context, &gradient, 1));
  context.size = 0;
  say("size", gradlog_record(recorder, &context, &gradient, 1));
  say("recorder", gradlog_record(NULL, &context, &gradient, 1));
  gradlog_batch *batch;
  context.size = sizeof context;
  context.epoch = 2;
  say("begin", gradlog_begin(recorder, &context, &batch));
  say("add", gradlog_add(batch, &gradient));
  say("end", gradlog_end(batch));
}

static void record_trouble(gradlog_recorder *recorder) {
  const double values[] = {1, 1e308 * 10, 0.0 / 0.0};
  const int64_t three[] = {3};
  gradlog_gradient gradient = {
      .weight = "sick", .dtype = GRADLOG_FLOAT64, .rank = 1, .shape = three, .data = values};
  for (int64_t batch = 0; batch < 3; batch++) {
    gradlog_batch_context context = {.size = sizeof context, .epoch = 3, .batch = batch,
                                     .has = GRADLOG_HAS_LOSS, .loss = values[2]};
    say("trouble", gradlog_record(recorder, &context, &gradient, 1));
  }
  printf("stopped early: %d\n", gradlog_stopped(NULL) != NULL);
  gradlog_flush(recorder);
  const gradlog_finding *stop = gradlog_stopped(recorder);
  if (stop)
    printf("%s %s %s %" PRId64 " %" PRId64 " %g\n", stop->rule, stop->severity, stop->weight,
           stop->epoch, stop->batch, stop->value);
  printf("called %d, counted %zu, same %d, beyond %d\n", findings, gradlog_finding_count(recorder),
         gradlog_finding_at(recorder, 0) == stop, gradlog_finding_at(recorder, 1) != NULL);
}

static void use_after_fork(gradlog_recorder *recorder) {
  gradlog_batch_context context = {.size = sizeof context, .epoch = 4};
  gradlog_gradient gradient = {.weight = "sick"};
  gradlog_batch *batch;
  gradlog_begin(recorder, &context, &batch);
  fflush(stdout);
  if (fork() == 0) {
    say("forked add", gradlog_add(batch, &gradient));
    say("forked end", gradlog_end(batch));
    gradlog_discard(batch);
    say("forked", gradlog_record(recorder, &context, &gradient, 1));
    say("forked norm", gradlog_tell_initial_norm(recorder, "half", 1));
    say("forked close", gradlog_close(recorder));
    gradlog_release(recorder);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  say("add", gradlog_add(batch, &gradient));
  say("end", gradlog_end(batch));
}

int main(int count, char **arguments) {
  if (count != 2) return 64;
  gradlog_recorder *recorder = NULL;
  gradlog_options options = {.size = sizeof options, .framework = "C", .stage = "final"};
  say("stage", gradlog_open(arguments[1], "c", &options, &recorder));
  options.stage = "applied";
  options.on_finding = on_finding;
  options.user_data = &findings;
  options.stop_on = "nonfinite";
  /* A caller that was compiled with a later header, and one with an earlier one. */
  struct {
    gradlog_options known;
    void *unknown;
  } later = {options, NULL};
  later.known.size = sizeof later;
  later.unknown = &later;
  say("later", gradlog_open(arguments[1], "c", &later.known, &recorder));
  say("folder", gradlog_open("/there/is/no/such/folder/runs.db", "c", NULL, &recorder));
  say("open", gradlog_open(arguments[1], "c", &options, &recorder));
  int64_t epoch = -1, batch = -1;
  printf("resumed %d\n", gradlog_resumed_after(recorder, &epoch, &batch));
  say("norm", gradlog_tell_initial_norm(recorder, "contiguous", 9.5));
  say("no norm", gradlog_tell_initial_norm(recorder, "half", -1));
  say("norm of nothing", gradlog_tell_initial_norm(recorder, NULL, 1));
  record_forms(recorder);
  record_pieces(recorder);
  record_mistakes(recorder);
  record_trouble(recorder);
  use_after_fork(recorder);
  int64_t batches, values;
  say("losses", gradlog_losses(recorder, &batches, &values));
  printf("lost %" PRId64 " %" PRId64 "\n", batches, values);
  say("close", gradlog_close(recorder));
  say("close again", gradlog_close(recorder));
  record_pieces(recorder);
  gradlog_release(recorder);
  gradlog_release(NULL);
  options.size = offsetof(gradlog_options, capture);
  say("earlier", gradlog_open(arguments[1], "c", &options, &recorder));
  printf("resumed %d", gradlog_resumed_after(recorder, &epoch, &batch));
  printf(" %" PRId64 " %" PRId64 "\n", epoch, batch);
  say("interrupted", gradlog_close_interrupted(recorder));
  gradlog_release(recorder);
  return 0;
}
