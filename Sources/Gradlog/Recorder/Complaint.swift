internal import Glibc

/// Says something on stderr in one line, in one write, so that lines of several threads do not mix.
///
/// A stderr that is closed, or a pipe that nobody reads any more, is no reason to end the program: that signal is kept
/// from this thread while it writes.
func complain(_ sentence: String) {
  var pipe = sigset_t()
  sigemptyset(&pipe)
  sigaddset(&pipe, SIGPIPE)
  var before = sigset_t()
  pthread_sigmask(SIG_BLOCK, &pipe, &before)
  var line = "gradlog: \(sentence)\n"
  let written = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  if written < 0, errno == EPIPE, sigismember(&before, SIGPIPE) == 0 {
    var now = timespec()
    sigtimedwait(&pipe, nil, &now)
  }
  pthread_sigmask(SIG_SETMASK, &before, nil)
}
