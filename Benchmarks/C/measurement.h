// What the cases of ceiling.c share: streams in memory, clocks, and the line of JSON that says what was
// measured. The same meaning as in RecorderBenchmark/Measurement.swift.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_WEIGHTS = 256 };

struct stream {
  const char *name;
  int weight_count;
  long batches;
  size_t batch_size;
  char names[MOST_WEIGHTS][64];
  size_t counts[MOST_WEIGHTS], starts[MOST_WEIGHTS];
  float *values;
};

struct meter {
  const struct stream *stream;
  uint64_t *times, start, cpu;
  long noted, memory;
};

static inline void fail(const char *message) {
  fprintf(stderr, "ceiling: %s\n", message);
  exit(1);
}

static inline void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "ceiling: %s: %s\n", what, strerror(errno));
  exit(1);
}

static inline void *allocate(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
  check(memory != NULL, "memory");
  return memory;
}

static inline char *read_text(const char *path) {
  FILE *file = fopen(path, "r");
  check(file != NULL, path);
  char *text = calloc(1, 1 << 20);
  check(fread(text, 1, (1 << 20) - 1, file) > 0, path);
  fclose(file);
  return text;
}

static inline struct stream load(const char *path, long batches) {
  struct stream stream = {.batches = batches};
  const char *slash = strrchr(path, '/');
  stream.name = slash ? slash + 1 : path;
  char name[4096];
  snprintf(name, sizeof name, "%s.weights", path);
  FILE *file = fopen(name, "r");
  check(file != NULL, name);
  while (stream.weight_count < MOST_WEIGHTS) {
    int i = stream.weight_count;
    if (fscanf(file, "%63s %zu %*s", stream.names[i], &stream.counts[i]) != 2) break;
    stream.starts[i] = stream.batch_size;
    stream.batch_size += stream.counts[i];
    stream.weight_count++;
  }
  fclose(file);
  snprintf(name, sizeof name, "%s.stream", path);
  file = fopen(name, "r");
  check(file != NULL, name);
  size_t count = stream.batch_size * batches;
  stream.values = allocate(count * sizeof(float));
  check(fread(stream.values, sizeof(float), count, file) == count, name);
  fclose(file);
  return stream;
}

static inline const float *gradient(const struct stream *stream, int weight, long batch) {
  return stream->values + batch * stream->batch_size + stream->starts[weight];
}

static inline uint64_t nanoseconds_of(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline uint64_t nanoseconds(void) { return nanoseconds_of(CLOCK_MONOTONIC); }

// A number of kilobytes in /proc/self/status, in bytes.
static inline long status(const char *key) {
  const char *line = strstr(read_text("/proc/self/status"), key);
  return line ? atol(line + strlen(key) + 1) << 10 : 0;
}

static inline struct meter begin(const struct stream *stream) {
  struct meter meter = {.stream = stream, .times = allocate(stream->batches * sizeof(uint64_t))};
  // The kernel forgets the highest memory use so far.
  int file = open("/proc/self/clear_refs", O_WRONLY);
  check(file >= 0 && write(file, "5", 1) == 1, "/proc/self/clear_refs");
  close(file);
  meter.memory = status("VmRSS");
  meter.cpu = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID);
  meter.start = nanoseconds();
  return meter;
}

static inline void note_batch(struct meter *meter, uint64_t start) {
  meter->times[meter->noted++] = nanoseconds() - start;
}

static inline int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static inline void finish(struct meter *meter, const char *name, long disk) {
  double durable = (nanoseconds() - meter->start) * 1e-9;
  double cpu = (nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - meter->cpu) * 1e-9;
  long peak = status("VmHWM") - meter->memory;
  qsort(meter->times, meter->noted, sizeof(uint64_t), compare);
  printf("{\"name\":\"%s\",\"stream\":\"%s\",\"batches\":%ld,\"median_microseconds\":%.3f,"
         "\"p99_microseconds\":%.3f,\"durable_seconds\":%.6f,\"cpu_seconds\":%.6f,"
         "\"peak_bytes\":%ld,\"disk_bytes\":%ld}\n",
         name, meter->stream->name, meter->noted, meter->times[meter->noted / 2] * 1e-3,
         meter->times[(meter->noted - 1) * 99 / 100] * 1e-3, durable, cpu, peak > 0 ? peak : 0, disk);
}
