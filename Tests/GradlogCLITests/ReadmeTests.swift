import Foundation
import Testing

/// README.md is true: each command of its session prints what stands there.
@Suite(
  .enabled(if: Workplace.optimizedCommand != nil, "needs an optimized build of the command"))
struct ReadmeTests {
  private static let root = Workplace.repository

  private func blocks(_ language: String) throws -> [String] {
    let readme = try String(contentsOfFile: Self.root + "/README.md", encoding: .utf8)
    let parts = readme.components(separatedBy: "```")
    return parts.filter { $0.hasPrefix(language + "\n") }.map {
      String($0.dropFirst(language.count + 1))
    }
  }

  /// Speeds and sizes differ from machine to machine.
  private func masked(_ text: String) -> String {
    text.replacing(/\d+ batches\/s/, with: "N batches/s").replacing(
      /\([0-9.]+ MiB\)/, with: "(N MiB)")
  }

  @Test func theSessionIsTrue() throws {
    let session = try #require(try blocks("console").first)
    let place = try Workplace()
    _ = try place.shell(
      "ln -s '\(Self.root)/Examples' '\(Self.root)/queries' .; ln -s \"$0\" gradlog")
    var found = ""
    for line in session.split(separator: "\n") where line.hasPrefix("$ ") {
      let outcome = try place.shell("PATH=\"$PWD:$PATH\"; \(line.dropFirst(2))")
      #expect(outcome.code == 0)
      found += line + "\n" + outcome.output + outcome.talk
    }
    #expect(masked(found) == masked(session))
    // The commands between the lines.
    for command in ["--list", "--describe vanishing"] {
      #expect(try place.shell("./gradlog query \(command)").code == 0)
    }
    #expect(try place.shell("sqlite3 gradlog.db < queries/vanishing.sql").code == 0)
  }

  @Test(.enabled(if: Workplace.hasNumpy, "needs Python with numpy"))
  func thePythonRuns() throws {
    let place = try Workplace()
    let program = try #require(try blocks("python").first { $0.contains("sqlite3.connect") })
    #expect(
      try place.gradlog("train", "--example", "binary-classifier", "--db", "gradlog.db", "--quiet")
        .code == 0)
    try place.write("program.py", program + "print(gradient.shape, gradient.dtype)\n")
    #expect(try place.python(place.folder + "/program.py").output == "(10, 16) float32\n")
  }

  @Test func theProgramsAreThoseThatAreCompiled() throws {
    let compiled = try withoutLayout(
      String(
        contentsOfFile: Self.root + "/Tests/GradlogTrainerTests/ReadmeProgramTests.swift",
        encoding: .utf8))
    let programs = try blocks("swift")
    #expect(programs.count == 2)
    for program in programs {
      let body = program.split(separator: "\n").filter { !$0.hasPrefix("import ") }
      #expect(compiled.contains(withoutLayout(body.joined())), "\(program)")
    }
  }

  /// The same program, however its lines are broken.
  private func withoutLayout(_ program: String) -> String {
    program.filter { !$0.isWhitespace }.replacing(",]", with: "]")
  }

  @Test func isShortAndItsLinksLead() throws {
    let readme = try String(contentsOfFile: Self.root + "/README.md", encoding: .utf8)
    #expect(readme.split(separator: "\n", omittingEmptySubsequences: false).count < 150)
    for link in readme.matches(of: /\]\(([^)]+)\)/).map({ String($0.1) }) {
      #expect(FileManager.default.fileExists(atPath: "\(Self.root)/\(link)"), "\(link)")
    }
    #expect(try blocks("sh").first?.contains("scripts/demo") == true)
  }
}
