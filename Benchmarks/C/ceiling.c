// The physical limits that a recorder is held against, one case per process:
//
//   ceiling warm MEGABYTES
//   ceiling copy STREAM BATCHES
//   ceiling write STREAM BATCHES FILE
//   ceiling sqlite STREAM BATCHES FILE SCHEMA wal|truncate null|constant
//
// `warm` measures nothing: it touches that much memory and gives it back, so that the next case finds it
// ready. On a virtual machine a page that was free for a while has gone back to the host, and taking it again
// costs microseconds, which would be charged to whoever writes first.
//
// `sqlite` fills gradlog's own tables (SCHEMA is the SQL that makes them, taken from a recording) with as
// many rows and bytes as gradlog does, on the calling thread, computing nothing: the statistics are NULL or
// constants. STREAM.weights and STREAM.stream are what `recorder-benchmark stream` wrote.
#include "measurement.h"

#include <sqlite3.h>
#include <string.h>

enum { BUFFERS = 4, PIECE = 1 << 20, TRANSACTION = 64 << 20 };

static void warm(size_t megabytes) {
  volatile char *memory = allocate(megabytes << 20);
  for (size_t i = 0; i < megabytes << 20; i += 4096) memory[i] = 1;
}

// Buffers in turn, as anything needs more than one that hands batches over.
static void copy_batches(const struct stream *stream) {
  float *buffers[BUFFERS];
  for (int i = 0; i < BUFFERS; i++) {
    buffers[i] = allocate(stream->batch_size * sizeof(float));
    // Now, so that no copy pays for the kernel's zeroing of fresh pages.
    memset(buffers[i], 0, stream->batch_size * sizeof(float));
  }
  struct meter meter = begin(stream);
  for (long batch = 0; batch < stream->batches; batch++) {
    uint64_t start = nanoseconds();
    float *target = buffers[batch % BUFFERS];
    for (int i = 0; i < stream->weight_count; i++) {
      memcpy(target, gradient(stream, i, batch), stream->counts[i] * sizeof(float));
      target += stream->counts[i];
    }
    note_batch(&meter, start);
  }
  finish(&meter, "C memcpy", 0);
}

// Pieces of 1 MiB: the kernel is several times slower with larger ones, and with one for each small tensor.
static void write_batches(const struct stream *stream, const char *path) {
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  check(file >= 0, path);
  char *buffer = allocate(PIECE);
  size_t used = 0;
  struct meter meter = begin(stream);
  for (long batch = 0; batch < stream->batches; batch++) {
    uint64_t start = nanoseconds();
    const char *bytes = (const char *)gradient(stream, 0, batch);
    size_t left = stream->batch_size * sizeof(float);
    while (left > 0) {
      size_t count = left < PIECE - used ? left : PIECE - used;
      if (used == 0 && count == PIECE) {
        check(write(file, bytes, PIECE) == PIECE, path);
      } else {
        memcpy(buffer + used, bytes, count);
        used += count;
        if (used == PIECE) {
          check(write(file, buffer, PIECE) == PIECE, path);
          used = 0;
        }
      }
      bytes += count;
      left -= count;
    }
    note_batch(&meter, start);
  }
  check(write(file, buffer, used) == (ssize_t)used && fdatasync(file) == 0, path);
  finish(&meter, "C write", lseek(file, 0, SEEK_END));
}

static sqlite3 *db;

static void run(const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail(message);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
    fail(sqlite3_errmsg(db));
  return statement;
}

static void insert(sqlite3_stmt *statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_errmsg(db));
  sqlite3_reset(statement);
}

// An INSERT into the statistics table whose first three columns are the keys; the others are bound here,
// once: bindings outlive a reset.
static sqlite3_stmt *prepare_statistics(int constant) {
  static const char blob[24] = {1};
  char sql[4096] = "INSERT INTO gradient_statistics VALUES (?, ?, ?, 0";
  sqlite3_stmt *columns = prepare("SELECT type FROM pragma_table_info('gradient_statistics')");
  char types[64];
  int count = 0;
  while (sqlite3_step(columns) == SQLITE_ROW && count < 64)
    types[count++] = *(const char *)sqlite3_column_text(columns, 0);
  sqlite3_finalize(columns);
  for (int i = 4; i < count; i++) strcat(sql, ", ?");
  sqlite3_stmt *statement = prepare(strcat(sql, ")"));
  for (int i = 4; constant && i < count; i++) {
    if (types[i] == 'R') sqlite3_bind_double(statement, i, 0.1234567);
    if (types[i] == 'I') sqlite3_bind_int(statement, i, 0);
    if (types[i] == 'B') sqlite3_bind_blob(statement, i, blob, sizeof blob, SQLITE_STATIC);
  }
  return statement;
}

static void open_database(const char *path, const char *schema, const char *journal) {
  for (const char **suffix = (const char *[]){"", "-wal", "-shm", "-journal", NULL}; *suffix; suffix++) {
    char name[4096];
    snprintf(name, sizeof name, "%s%s", path, *suffix);
    unlink(name);
  }
  if (sqlite3_open(path, &db) != SQLITE_OK) fail(sqlite3_errmsg(db));
  // As DatabaseFile.swift sets them.
  run("PRAGMA page_size = 65536; PRAGMA cache_size = -2000; PRAGMA synchronous = NORMAL");
  char pragma[64];
  snprintf(pragma, sizeof pragma, "PRAGMA journal_mode = %s", journal);
  run(pragma);
  run(schema);
  run("INSERT INTO runs (name, stage, started_at) VALUES ('benchmark', 'raw', 0)");
}

static void record_batches(const struct stream *stream, char **arguments) {
  const char *path = arguments[0], *journal = arguments[2];
  int constant = strcmp(arguments[3], "constant") == 0;
  open_database(path, read_text(arguments[1]), journal);
  run("BEGIN");
  sqlite3_stmt *weights = prepare("INSERT INTO weights VALUES (?, 1, ?1, ?2, 'float32', '[]', ?3)");
  for (int i = 0; i < stream->weight_count; i++) {
    sqlite3_bind_int(weights, 1, i + 1);
    sqlite3_bind_text(weights, 2, stream->names[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(weights, 3, stream->counts[i]);
    insert(weights);
  }
  run("COMMIT");
  sqlite3_stmt *batches = prepare(
      "INSERT INTO batches (batch_id, run_id, epoch, batch, step, loss, learning_rate, recorded_at,"
      " first_gradient_id, gradient_count) VALUES (?, 1, 0, ?2, ?2, 0.5, 1e-3, ?3, ?4, ?5)");
  sqlite3_stmt *statistics = prepare_statistics(constant);
  sqlite3_stmt *values = prepare("INSERT INTO gradient_values VALUES (?, 'dense', ?)");

  struct meter meter = begin(stream);
  sqlite3_int64 gradient_id = 1;
  size_t bytes = 0;
  run("BEGIN IMMEDIATE");
  for (long batch = 0; batch < stream->batches; batch++) {
    uint64_t start = nanoseconds();
    sqlite3_bind_int64(batches, 1, batch + 1);
    sqlite3_bind_int64(batches, 2, batch);
    sqlite3_bind_double(batches, 3, 1.8e9 + batch * 0.1);
    sqlite3_bind_int64(batches, 4, gradient_id);
    sqlite3_bind_int(batches, 5, stream->weight_count);
    insert(batches);
    for (int i = 0; i < stream->weight_count; i++, gradient_id++) {
      sqlite3_bind_int64(statistics, 1, gradient_id);
      sqlite3_bind_int64(statistics, 2, batch + 1);
      sqlite3_bind_int(statistics, 3, i + 1);
      insert(statistics);
      sqlite3_bind_int64(values, 1, gradient_id);
      sqlite3_bind_blob64(values, 2, gradient(stream, i, batch), stream->counts[i] * sizeof(float), SQLITE_STATIC);
      insert(values);
    }
    bytes += stream->batch_size * sizeof(float);
    if (bytes >= TRANSACTION) {
      run("COMMIT; BEGIN IMMEDIATE");
      bytes = 0;
    }
    note_batch(&meter, start);
  }
  run("COMMIT");
  sqlite3_finalize(weights);
  sqlite3_finalize(batches);
  sqlite3_finalize(statistics);
  sqlite3_finalize(values);
  run("PRAGMA journal_mode = DELETE");
  if (sqlite3_close(db) != SQLITE_OK) fail("the database does not close");
  int file = open(path, O_RDONLY);
  check(file >= 0 && fdatasync(file) == 0, path);
  char name[64];
  snprintf(name, sizeof name, "C SQLite %s %s", journal, arguments[3]);
  finish(&meter, name, lseek(file, 0, SEEK_END));
}

int main(int count, char **arguments) {
  const char *usage = "usage: ceiling copy|write|sqlite STREAM BATCHES [FILE [SCHEMA JOURNAL STATISTICS]]";
  if (count == 3 && strcmp(arguments[1], "warm") == 0) {
    warm(atol(arguments[2]));
    return 0;
  }
  if (count < 4) fail(usage);
  struct stream stream = load(arguments[2], atol(arguments[3]));
  if (strcmp(arguments[1], "copy") == 0 && count == 4) copy_batches(&stream);
  else if (strcmp(arguments[1], "write") == 0 && count == 5) write_batches(&stream, arguments[4]);
  else if (strcmp(arguments[1], "sqlite") == 0 && count == 8) record_batches(&stream, arguments + 4);
  else fail(usage);
}
