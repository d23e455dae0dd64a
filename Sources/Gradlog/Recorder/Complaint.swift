internal import Glibc

/// Says something on stderr in one line, in one write, so that lines of several threads do not mix.
func complain(_ sentence: String) {
  let line = "gradlog: \(sentence)\n"
  _ = line.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
