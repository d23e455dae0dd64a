/*
 * gradlog.h: record the gradients of a training run into one SQLite file.
 *
 *   gradlog_recorder *recorder;
 *   if (gradlog_open("runs.db", "mlp", NULL, &recorder)) { puts(gradlog_last_problem()); exit(1); }
 *   for (int64_t batch = 0; batch < batches; batch++) {
 *     int64_t shape[] = {64, 128};
 *     gradlog_gradient gradients[] = {
 *         {.weight = "dense/kernel", .dtype = GRADLOG_FLOAT32, .rank = 2, .shape = shape, .data = g},
 *         {.weight = "embedding", .dtype = GRADLOG_FROZEN},
 *     };
 *     gradlog_batch_context context = {.size = sizeof context, .batch = batch};
 *     gradlog_record(recorder, &context, gradients, 2);
 *   }
 *   if (gradlog_close(recorder)) puts(gradlog_last_problem());
 *   gradlog_release(recorder);
 *
 * Link with the library gradlog-c. The file is described in docs/FileFormat.md.
 *
 * STATUS. Functions return GRADLOG_OK, which is 0, or a code below. The sentences of the last failure
 * of the calling thread are gradlog_last_problem() and gradlog_last_remedy().
 *
 * WHAT FAILS AND WHAT IS COUNTED. Recording never stops a training. A batch that is not in the file in
 * the end, because the disk is full, say, is counted, said once on stderr and reported by
 * gradlog_losses() and gradlog_close(); the call that handed it over has returned GRADLOG_OK long
 * before. A batch that cannot be taken at all makes the call fail and is counted too: because a tensor
 * makes no sense, or with GRADLOG_STORAGE because the memory is used up and overflow is "drop".
 *
 * HANDLES. A recorder lives from gradlog_open() to gradlog_release(); every function may be called on it
 * until then, after gradlog_close() too. A batch lives from gradlog_begin() to gradlog_end() or
 * gradlog_discard(). Passing a handle that does not live is undefined, as for free(). No function takes
 * over memory of the caller: what is passed need not outlive the call.
 *
 * THREADS. Every function may be called from any thread, and several threads may use one recorder. One
 * batch is used by one thread at a time; it may be begun on one and ended on another. A thread that
 * begins a second batch before it ended its first may wait for ever when the memory limit is reached.
 *
 * FORK. After fork() a recorder belongs to the process that opened it. In the child every call fails
 * with GRADLOG_MISUSE and touches neither the file nor a lock, gradlog_discard() and gradlog_release()
 * free nothing, and the parent goes on undisturbed.
 *
 * VERSIONS. Structures that may grow begin with `size`, to be set to sizeof. Zeros mean the default
 * everywhere, so that `{.size = sizeof x}` is a complete structure. The layout of gradlog_gradient is
 * final.
 */
#ifndef GRADLOG_H
#define GRADLOG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when something is added; never lowered. */
#define GRADLOG_ABI_VERSION 4

/* Status. */
#define GRADLOG_OK 0
#define GRADLOG_INVALID_ARGUMENT 1 /* an argument or option that cannot be used */
#define GRADLOG_INVALID_TENSOR 2   /* dtype, shape, strides and data do not agree */
#define GRADLOG_NOT_FOUND 3        /* a file or folder that does not exist */
#define GRADLOG_NOT_A_GRADLOG_FILE 4
#define GRADLOG_NEWER_FILE 5 /* written by a newer gradlog */
#define GRADLOG_OVERLAP 6    /* a run or batch that is there already, or is being recorded */
#define GRADLOG_STORAGE 7    /* the disk, the file system or SQLite refused */
#define GRADLOG_INVALID_DATA 8
#define GRADLOG_MISUSE 9 /* used after gradlog_close(), or in a forked process */

/* Element types. Integers, booleans and complex numbers are not gradients. */
#define GRADLOG_FROZEN -1 /* no gradient, because the training holds the weight fixed */
#define GRADLOG_ABSENT 0  /* no gradient for any other reason: a weight that was not used */
#define GRADLOG_FLOAT16 1
#define GRADLOG_BFLOAT16 2
#define GRADLOG_FLOAT32 3
#define GRADLOG_FLOAT64 4

typedef struct gradlog_recorder gradlog_recorder;
typedef struct gradlog_batch gradlog_batch;

/* What a rule began to say about one weight, or about the whole network of an optimizer. The strings live as long as the recorder. */
typedef struct gradlog_finding {
  const char *rule;     /* "nonfinite", "exploding", "vanishing", "dead", "stagnation", "oscillation",
                           "underflow", "absent" or "accumulating" */
  const char *severity; /* "warning" or "critical" */
  const char *weight;   /* "" when it is about the whole network */
  const char *advice;   /* what to try */
  int64_t epoch;
  int64_t batch;
  int64_t step;
  double value;     /* what the rule judges; docs/FileFormat.md tells the units of the rules */
  double threshold; /* the bound that it broke, in the same unit */
  double baseline;  /* what it was before or should be, in the same unit; NaN when that is not known */
  const char *evidence; /* what was seen, as one sentence */
  const char *optimizer; /* which of several has the batches that show it; "" when there is one */
} gradlog_finding;

/* Called on a thread of the recorder's, never of the training's, for each weight, rule and optimizer when it
 * begins and when it becomes critical; epoch, batch and step are where the trouble began. That is when the batch is
 * written: gradlog_finding_at() and gradlog_stopped() may know it before. It must return soon, and must not
 * call gradlog_flush(), gradlog_close() or gradlog_release(). */
typedef void (*gradlog_finding_callback)(const gradlog_finding *finding, void *user_data);

/* When the values of gradients are kept; statistics always are. */
#define GRADLOG_CAPTURE_EVERY_BATCH 0
#define GRADLOG_CAPTURE_EVERY 1  /* steps that are multiples of capture_first */
#define GRADLOG_CAPTURE_EPOCHS 2 /* epochs from capture_first to capture_second, both included */
#define GRADLOG_CAPTURE_AROUND 3 /* capture_first batches before a finding, capture_second after it */
#define GRADLOG_CAPTURE_NONE 4

/* How to record. Pass NULL for the defaults. */
typedef struct gradlog_options {
  size_t size;
  int64_t rank;       /* index of this process in a distributed run */
  int64_t world_size; /* processes of the distributed run; 0 means 1 */
  const char *stage;  /* "raw", the default, or "applied"; see docs/FileFormat.md */
  const char *framework;     /* who trains: "keras 3.15.1 tensorflow"; NULL when unknown */
  const char *configuration; /* a JSON object that describes the run; NULL means {} */
  int32_t capture;           /* GRADLOG_CAPTURE_... */
  int64_t capture_first;
  int64_t capture_second;
  const char *const *include; /* glob patterns of the weights whose values are kept; none means all */
  size_t include_count;
  const char *const *exclude; /* glob patterns of weights whose values are not kept */
  size_t exclude_count;
  const char *encoding; /* how values are written: "dense", the default, "float16" or "bfloat16" */
  int64_t file_budget;  /* bytes of the file from which on no values are kept; 0 for no limit */
  const char *overlap;  /* a batch that the run holds: "refuse", the default, or "replace" */
  const char *overflow; /* the memory is used up: "wait", the default, or "drop" */
  int64_t memory_limit; /* bytes that may wait to be written; 0 means 256 MiB */
  double commit_interval; /* seconds until a batch is committed at the latest; 0 means 0.25, a negative
                             number at once */
  const char *journal;    /* "wal", the default, or "rollback" */
  gradlog_finding_callback on_finding; /* NULL for none */
  void *user_data;                     /* passed to on_finding */
  const char *stop_on; /* what makes gradlog_stopped() say so: a rule, "critical" or "warning", which
                          any rule meets; NULL for nothing. With it, a batch is judged before the call
                          returns that hands it over, which then takes as long as statistics and rules do:
                          ask gradlog_stopped() before the step that uses the gradients */
  int32_t log_findings; /* 1: findings are said on stderr when they begin or become critical, one line for
                           what a rule says of a batch */
} gradlog_options;

/* What is given in a batch context. */
#define GRADLOG_HAS_STEP 1
#define GRADLOG_HAS_LOSS 2 /* a loss that is NaN or infinite is recorded as such */
#define GRADLOG_HAS_LEARNING_RATE 4
#define GRADLOG_HAS_LOSS_SCALE 8

/* What is known of a batch besides its gradients. Counts are zero-based. */
typedef struct gradlog_batch_context {
  size_t size;
  int64_t epoch;
  int64_t batch;         /* restarts in each epoch */
  int64_t step;          /* optimizer steps of the run; without GRADLOG_HAS_STEP, one after the last */
  const char *optimizer; /* which of several; NULL or empty when there is one */
  int64_t call;          /* which application of that optimizer within the batch */
  uint32_t has;          /* which of the others are given: GRADLOG_HAS_... added up */
  double loss;
  double learning_rate;
  double loss_scale; /* the factor of mixed precision, already divided out of the gradients */
} gradlog_batch_context;

/* One gradient. The order of weights in the first batch, from the input towards the loss, becomes their
 * position. */
typedef struct gradlog_gradient {
  const char *weight;     /* its name, UTF-8 */
  int32_t dtype;          /* GRADLOG_FLOAT32...; GRADLOG_ABSENT or GRADLOG_FROZEN, and nothing else, for
                             no gradient */
  int32_t rank;           /* the number of dimensions; 0 for a scalar */
  const int64_t *shape;   /* outermost first */
  const int64_t *strides; /* BYTES from one index to the next of each dimension, 0 and negative ones
                             too; NULL when contiguous, the last index varying fastest */
  const void *data;       /* the element whose indices are all 0; needs no alignment */
  /* Row-sparse (embeddings): only some rows of `shape` are there, the others are zero. */
  const int64_t *indices; /* which row each row of `data` is; rows with one index are summed. NULL when
                             `data` is the whole tensor */
  int64_t index_count;    /* rows of `data`, which is contiguous then: index_count x shape[1]... */
} gradlog_gradient;

/* Opens a file, creating it if need be, and begins a run in it, or takes up again the run of that name:
 * steps and detection go on from what the file holds of it. options may be NULL. *recorder is NULL after a failure. */
int32_t gradlog_open(const char *path, const char *run, const gradlog_options *options,
                     gradlog_recorder **recorder);

/* Tells how large the values are with which a weight begins: norm is their Euclidean norm, the root of the sum of
 * squares. With it the rules can say that the initialization is to blame. To be called before the first batch that
 * has the weight; later, and for a weight that the run in the file has, it does nothing, unless the run is replaced
 * from its first batch on. A norm that is negative or no finite number does nothing either. */
int32_t gradlog_tell_initial_norm(gradlog_recorder *recorder, const char *weight, double norm);

/* Records a whole batch. The gradients are copied before this returns. It waits while the memory limit
 * is reached, unless overflow is "drop". */
int32_t gradlog_record(gradlog_recorder *recorder, const gradlog_batch_context *context,
                       const gradlog_gradient *gradients, size_t count);

/* The same in pieces. *batch is NULL after a failure. After a gradlog_add() that fails, gradlog_end()
 * fails as well. */
int32_t gradlog_begin(gradlog_recorder *recorder, const gradlog_batch_context *context,
                      gradlog_batch **batch);
int32_t gradlog_add(gradlog_batch *batch, const gradlog_gradient *gradient);
int32_t gradlog_end(gradlog_batch *batch);
void gradlog_discard(gradlog_batch *batch);

/* Waits until what was recorded before is in the file. Fails with the first failure of the recorder. */
int32_t gradlog_flush(gradlog_recorder *recorder);

/* Writes what is left, marks the run as finished and closes the file. Fails with the first failure of
 * the recorder; the file is closed all the same. Closing again does nothing. */
int32_t gradlog_close(gradlog_recorder *recorder);

/* The same for a training that failed or was interrupted: the run reads as interrupted, and is not kept
 * when nothing of it was recorded. */
int32_t gradlog_close_interrupted(gradlog_recorder *recorder);

/* Frees a recorder. One that was not closed loses what is not written yet, and says so. NULL is fine. */
void gradlog_release(gradlog_recorder *recorder);

/* What could not be recorded so far: batches of which nothing is in the file, and gradients without the
 * values that were to be kept. Returns the first failure of the recorder, or GRADLOG_OK. */
int32_t gradlog_losses(gradlog_recorder *recorder, int64_t *batches, int64_t *values);

/* The last batch that the file held of this run when it was opened. Returns 0 for a new run, else 1. */
int32_t gradlog_resumed_after(gradlog_recorder *recorder, int64_t *epoch, int64_t *batch);

/* The findings so far, in order; batches that were not judged yet are not in them. */
size_t gradlog_finding_count(gradlog_recorder *recorder);
/* NULL when there is none of this index. Lives as long as the recorder. */
const gradlog_finding *gradlog_finding_at(gradlog_recorder *recorder, size_t index);
/* The finding that met stop_on: the training should end. NULL while there is none; costs little, to be
 * asked after each batch. */
const gradlog_finding *gradlog_stopped(gradlog_recorder *recorder);

/* The last failure of the calling thread: what happened, and what to do; empty when nothing failed or
 * nothing can be advised. They live until the next failure on this thread. */
int32_t gradlog_last_code(void);
const char *gradlog_last_problem(void);
const char *gradlog_last_remedy(void);

/* GRADLOG_ABI_VERSION of the library. */
int32_t gradlog_abi_version(void);

#ifdef __cplusplus
}
#endif

#endif
