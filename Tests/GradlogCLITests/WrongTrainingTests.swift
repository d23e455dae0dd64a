import Testing

/// Trainings that cannot be: one sentence, the right exit code, and no run in the file.
@Suite struct WrongTrainingTests {
  private static let seeHelp = "; see 'gradlog train --help'"

  static let mistakes = [
    Mistake(
      64, says: "Say what to train: one of --model, --data and --example\(seeHelp)"),
    Mistake(
      64, "--model", "m.json", "--example", "article",
      says: "Say what to train: one of --model, --data and --example\(seeHelp)"),
    Mistake(
      64, "--data", "good.csv",
      says: "--data needs --target: the column to predict\(seeHelp)"),
    Mistake(
      64, "--example", "article", "--layers", "3",
      says: "--layers goes with --data; a model file or an example says it itself\(seeHelp)"),
    Mistake(
      64, "--example", "articel",
      says:
        "The value 'articel' is invalid for '--example <example>'. Please provide one of 'linear-regression', 'binary-classifier' or 'article'\(seeHelp)"
    ),
    Mistake(
      64, "--example", "article", "--epochs", "-3",
      says: "--epochs is -3; train 1 or more\(seeHelp)"),
    Mistake(
      64, "--example", "article", "--initial-epoch", "-1",
      says: "--initial-epoch is -1; epochs are counted from 0\(seeHelp)"),
    Mistake(
      64, "--example", "article", "--batch-size", "0",
      says: "the batch size is 0; choose 1 or more"),
    Mistake(
      64, "--example", "article", "--validation-split", "1.5",
      says: "the validation split is 1.5; choose a fraction between 0 and 1, such as 0.2"),
    Mistake(
      64, "--example", "article", "--learning-rate", "-1",
      says: "learning_rate of adam is -1.0; choose a number of at least 0"),
    Mistake(
      64, "--example", "article", "--capture", "every:0",
      says:
        "The value 'every:0' is invalid for '--capture <plan>': write every-batch, every:10, epochs:0..4, around-findings:5,20 or none\(seeHelp)"
    ),
    Mistake(
      64, "--example", "article", "--include", "[a",
      says:
        "the pattern \"[a\" has a [ without a ]; close the set, or write [[] for the character itself\(seeHelp)"
    ),
    Mistake(
      64, "--example", "article", "--run", "",
      says: "a run needs a name; pass one that says what is trained"),
    Mistake(
      1, "--model", "missing.json",
      says: "there is no model description at missing.json; check the path"),
    Mistake(
      1, "--model", "cut.json",
      says: "cut.json: the JSON has the end of the text at line 1, column 13; write a value there"),
    Mistake(
      1, "--model", "no-data.json",
      says:
        "the model file 'no-data.json' has no data; add \"x\" and \"y\" to it, or train on a table with --data"
    ),
    Mistake(
      1, "--model", "misspelt.json",
      says:
        "misspelt.json: layers[0].activation is \"rellu\", which is not an activation; did you mean \"relu\"? (the activations are linear, relu, leaky_relu, elu, gelu, softplus, sigmoid, tanh, softmax)"
    ),
    Mistake(
      1, "--data", "missing.csv", "--target", "y",
      says: "there is no CSV file at missing.csv; check the path"),
    Mistake(
      1, "--data", "good.csv", "--target", "z",
      says: "good.csv: there is no column \"z\"; the columns are a, b, y"),
    Mistake(
      1, "--data", "bad.csv", "--target", "y",
      says:
        "bad.csv: line 3, column \"b\": \"x\" is not a number; write a finite number such as -1.5 or 2e3, or leave the column out"
    ),
    Mistake(
      1, "--data", "short.csv", "--target", "y",
      says:
        "short.csv: line 3: the row ends after 2 of 3 cells, before column \"y\"; add the missing cells"
    ),
    Mistake(
      64, "--data", "good.csv", "--target", "a", "--loss", "binary_crossentropy",
      says:
        "binary_crossentropy tells two classes apart, and \"a\" has 3; use sparse_categorical_crossentropy for classes, mean_squared_error for a number"
    ),
    Mistake(
      64, "--data", "good.csv", "--target", "y", "--activation", "relux",
      says:
        "The value 'relux' is invalid for '--activation <name>': did you mean \"relu\"? (the activations are linear, relu, leaky_relu, elu, gelu, softplus, sigmoid, tanh, softmax)\(seeHelp)"
    ),
    Mistake(
      64, "--data", "good.csv", "--target", "y", "--optimizer", "adma",
      says:
        "The value 'adma' is invalid for '--optimizer <name>': did you mean \"adam\"? (the optimizers are sgd, rmsprop, adam, adamw)\(seeHelp)"
    ),
  ]

  @Test(arguments: mistakes)
  func saysWhatIsWrong(_ mistake: Mistake) throws {
    let place = try Workplace()
    try place.write("good.csv", "a,b,y\n1,2,0\n3,4,1\n5,6,1\n")
    try place.write("bad.csv", "a,b,y\n1,2,0\n3,x,1\n")
    try place.write("short.csv", "a,b,y\n1,2,0\n3,4\n")
    try place.write("cut.json", #"{"layers": ["#)
    try place.write(
      "no-data.json",
      #"{"layers": [{"units": 1}], "loss": "mse", "optimizer": "sgd"}"#)
    try place.write(
      "misspelt.json",
      #"{"layers": [{"units": 1, "activation": "rellu"}], "loss": "mse", "optimizer": "sgd"}"#)
    let outcome = try place.gradlog(arguments: ["train", "--db", "new.db"] + mistake.arguments)
    #expect(
      outcome == Outcome(code: mistake.code, output: "", talk: "gradlog: \(mistake.sentence)\n"))
    if try place.names.contains("new.db") {
      #expect(
        try place.gradlog("sql", "SELECT count(*) AS runs FROM runs", "--db", "new.db").output
          == "runs\r\n0\r\n")
    }
  }

  @Test(arguments: [
    ("folder", "'folder' is a folder; name the file inside it that gradlog recorded"),
    ("text", "'text' is not an SQLite database; give a file that gradlog recorded"),
  ])
  func refusesToRecordThere(path: String, sentence: String) throws {
    let place = try Workplace()
    _ = try place.shell("mkdir folder; echo text > text")
    let outcome = try place.gradlog("train", "--example", "article", "--db", path)
    #expect(outcome == Outcome(code: 1, output: "", talk: "gradlog: \(sentence)\n"))
    #expect(try place.read("text") == "text\n")
  }
}
