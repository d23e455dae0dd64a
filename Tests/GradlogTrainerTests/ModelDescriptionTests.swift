import Gradlog
import GradlogTrainer
import Testing

struct ModelDescriptionTests {
  /// A description with parts of it replaced.
  private func read(
    layers: String = #"[{"units": 2, "activation": "relu"}, {"units": 1}]"#,
    loss: String = #""mse""#, optimizer: String = #""adam""#, more: String = ""
  ) throws -> ModelDescription {
    try ModelDescription(
      json: Array(
        #"{"layers": \#(layers), "loss": \#(loss), "optimizer": \#(optimizer)\#(more)}"#.utf8))
  }

  private func message(_ body: () throws -> Any) -> String? {
    #expect(throws: GradlogError.self) { _ = try body() }?.description
  }

  @Test func defaultsAreKeras() throws {
    let description = try read()
    #expect(
      description
        == ModelDescription(
          layers: [Dense(2, activation: .relu), Dense(1)], loss: .meanSquaredError,
          optimizer: .adam(), batchSize: 32, epochs: 1, shuffle: true, seed: 0))
  }

  @Test func everythingIsRead() throws {
    let description = try read(
      layers: #"""
        [{"units": 3, "activation": {"name": "leaky_relu", "negative_slope": 0.1},
          "use_bias": false, "kernel_initializer": "HeNormal", "trainable": false},
         {"units": 1, "activation": "elu", "alpha": 0.5,
          "bias_initializer": {"class_name": "Constant", "config": {"value": 2, "seed": null}}}]
        """#,
      loss: #""binary_crossentropy""#,
      optimizer:
        #"{"name": "RMSprop", "rho": 0.8, "config": {"name": "rmsprop_3", "centered": true, "clipvalue": 2, "ema_momentum": 0.99, "use_ema": false}}"#,
      more:
        #", "name": "n", "batch_size": 4, "epochs": 2, "shuffle": false, "seed": 9, "validation_split": 0.5, "source": 1, "x": [[1, 2], [3, 4]], "y": [0, 1]"#
    )
    let expected = ModelDescription(
      name: "n",
      layers: [
        Dense(
          3, activation: .leakyReLU(negativeSlope: 0.1), usesBias: false,
          kernelInitializer: .heNormal, isTrainable: false),
        Dense(1, activation: .elu(alpha: 0.5), biasInitializer: .constant(2)),
      ],
      loss: .binaryCrossentropy,
      optimizer: .rmsprop(rho: 0.8, centered: true, clipping: .value(2)), batchSize: 4, epochs: 2,
      shuffle: false, seed: 9, validationSplit: 0.5,
      data: try TrainingData(x: Matrix([[1, 2], [3, 4]]), y: Matrix([[0], [1]])))
    #expect(description == expected)
    #expect(
      try description.makeModel().weights.map(\.name) == [
        "dense_0/kernel", "dense_1/kernel", "dense_1/bias",
      ])
  }

  @Test(arguments: [
    (#""sgd""#, Optimizer.sgd()), (#""adamw""#, .adamW()), (#""rmsprop""#, .rmsprop()),
    (
      #"{"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "config": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": true, "clipnorm": null}}"#,
      .sgd(learningRate: 0.05, momentum: 0.9, nesterov: true)
    ),
    (
      #"{"name": "adam", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3, "amsgrad": true, "clipnorm": 1, "weight_decay": 0.1}"#,
      .adam(
        beta1: 0.8, beta2: 0.9, epsilon: 1e-3, amsgrad: true, weightDecay: 0.1, clipping: .norm(1))
    ),
    (
      #"{"class_name": "SGD", "config": {"global_clipnorm": 3, "clipvalue": null}}"#,
      .sgd(clipping: .globalNorm(3))
    ),
    (#"{"name": "sgd", "clipnorm": 0}"#, .sgd()),
  ])
  func optimizersAreRead(_ json: String, _ optimizer: Optimizer) throws {
    #expect(try read(optimizer: json).optimizer == optimizer)
  }

  private static let optimizers = "the optimizers are sgd, rmsprop, adam, adamw"

  @Test(arguments: [
    (
      #""adma""#,
      #"optimizer is "adma", which is not an optimizer; did you mean "adam"? (the optimizers are sgd, rmsprop, adam, adamw)"#
    ),
    (
      #""lion""#,
      #"optimizer is "lion", which is not an optimizer; the optimizers are sgd, rmsprop, adam, adamw"#
    ),
    ("7", "optimizer is 7, which is not a text; write a text in double quotes"),
    (#"{"learning_rate": 1}"#, #"optimizer has no name; write "name": "…""#),
    (
      #"{"name": "sgd", "momentun": 0.9}"#,
      #"optimizer.momentun is 0.9, but sgd has no option "momentun"; did you mean "momentum"? (the options are learning_rate, weight_decay, clipnorm, global_clipnorm, clipvalue, momentum, nesterov)"#
    ),
    (
      #"{"name": "sgd", "momentum": "high"}"#,
      #"optimizer.momentum is "high", which is not a number; write a number"#
    ),
    (
      #"{"name": "sgd", "momentum": 1.5}"#,
      "optimizer: momentum of sgd is 1.5; choose a number from 0 to 1"
    ),
    (
      #"{"name": "adam", "beta_2": 1}"#,
      "optimizer: beta_2 of adam is 1.0; choose a number from 0 to below 1"
    ),
    (
      #"{"name": "sgd", "learning_rate": -1}"#,
      "optimizer: learning_rate of sgd is -1.0; choose a number of at least 0"
    ),
    (
      #"{"name": "sgd", "learning_rate": {"class_name": "CosineDecay"}}"#,
      "optimizer.learning_rate is an object, but this trainer has no schedules; write one number for learning_rate"
    ),
    (
      #"{"name": "sgd", "clipnorm": 1, "clipvalue": 2}"#,
      "optimizer.clipvalue is 2, but optimizer.clipnorm is given too; keep one of clipnorm, global_clipnorm, clipvalue"
    ),
    (
      #"{"name": "sgd", "config": {"use_ema": true}}"#,
      "optimizer.config.use_ema is true, but this trainer does not have it; leave use_ema out or train in Keras"
    ),
    (
      #"{"name": "sgd", "loss_scale_factor": 128}"#,
      "optimizer.loss_scale_factor is 128, but this trainer does not have it; leave loss_scale_factor out or train in Keras"
    ),
    (
      #"{"name": "sgd", "gradient_accumulation_steps": 4}"#,
      "optimizer.gradient_accumulation_steps is 4, but this trainer does not have it; leave gradient_accumulation_steps out or train in Keras"
    ),
  ])
  func badOptimizers(_ json: String, _ expected: String) {
    #expect(message { try read(optimizer: json) } == expected)
  }

  @Test(arguments: [
    (
      #"[{"units": 2, "activation": "rellu"}]"#,
      #"layers[0].activation is "rellu", which is not an activation; did you mean "relu"? (the activations are linear, relu, leaky_relu, elu, gelu, softplus, sigmoid, tanh, softmax)"#
    ),
    (
      #"[{"units": 0}]"#,
      "layers[0].units is 0, which is not a whole number of at least 1; write a whole number of at least 1"
    ),
    (
      #"[{"units": 2.5}]"#,
      "layers[0].units is 2.5, which is not a whole number of at least 1; write a whole number of at least 1"
    ),
    (
      #"[{"units": 1}, {"activation": "relu"}]"#, #"layers[1] has no units; write "units": 16, say"#
    ),
    (
      #"[{"units": 1, "activations": "relu"}]"#,
      #"layers[0].activations is "relu", but a layer has no option "activations"; did you mean "activation"? (the options are units, activation, use_bias, kernel_initializer, bias_initializer, trainable)"#
    ),
    (
      #"[{"type": "Conv2D", "units": 1}]"#,
      #"layers[0].type is "Conv2D", which is not a known layer; the only layer is Dense"#
    ),
    (
      #"[{"units": 1, "kernel_initializer": "he_norm"}]"#,
      #"layers[0].kernel_initializer is "he_norm", which is not an initializer; did you mean "he_normal"? (the initializers are zeros, ones, constant, random_normal, random_uniform, truncated_normal, glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal, orthogonal)"#
    ),
    (
      #"[{"units": 1, "use_bias": "no"}]"#,
      #"layers[0].use_bias is "no", which is neither true nor false; write true or false"#
    ),
    (
      #"[{"units": 1, "activation": {"name": "relu", "alpha": 1}}]"#,
      #"layers[0].activation.alpha is 1, but relu has no parameter "alpha"; leaky_relu has negative_slope, elu has alpha"#
    ),
    ("[]", "layers is a list of 0, which describes no layer; write one layer at least"),
    ("{}", "layers is an object, which is not a list; write […] there"),
    ("[3]", "layers[0] is 3, which is not an object; write {…} there"),
  ])
  func badLayers(_ json: String, _ expected: String) {
    #expect(message { try read(layers: json) } == expected)
  }

  @Test(arguments: [
    (
      #", "batch_size": 0"#,
      "batch_size is 0, which is not a whole number of at least 1; write a whole number of at least 1"
    ),
    (
      #", "seed": -1"#,
      "seed is -1, which is not a whole number of at least 0; write a whole number of at least 0"
    ),
    (
      #", "validation_split": 1"#,
      "validation_split is 1, which is not a share of the rows; write a number from 0 to below 1"
    ),
    (#", "x": [[1]]"#, "the model description has x alone; give both x and y, or neither"),
    (
      #", "x": [[1, 2], [3]], "y": [1, 2]"#,
      "x[1] is a list of 1, where the lists before it have 2 elements; give it 2 elements"
    ),
    (
      #", "x": [[1, 2], [3, "a"]], "y": [1, 2]"#,
      #"x[1][1] is "a", which is not a number; write a number"#
    ),
    (
      #", "x": [1, 2], "y": [1, 2]"#,
      "x is a list of 2, with shape [2], which is not a list of rows; write [[…], […], …]"
    ),
    (
      #", "x": [[1], [2]], "y": [1]"#,
      "x has 2 rows and y has 1; give each row of x one target in y"
    ),
  ])
  func badValues(_ json: String, _ expected: String) {
    #expect(message { try read(more: json) } == expected)
  }

  @Test(arguments: [
    (
      #", "x": [[1, 2]], "y": [[1, 2]]"#,
      "y has 2 columns and the last layer 1 units, which mean_squared_error compares; give the last layer 2 units"
    ),
    (
      #", "x": [[1, 2]], "y": [1], "initial_weights": {"dense_0/kernel": [[1, 2]]}"#,
      #"initial_weights["dense_0/kernel"] has shape [1, 2] where the layers need [2, 2]; give it that shape or change the units"#
    ),
    (
      #", "x": [[1, 2]], "y": [1], "initial_weights": {"dense_0/kernal": [[1, 2]]}"#,
      #"initial_weights names "dense_0/kernal", which the model does not have; did you mean "dense_0/kernel"? (the weights are dense_0/kernel, dense_0/bias, dense_1/kernel, dense_1/bias)"#
    ),
    (
      "",
      #"the model has no x, so its number of inputs is unknown; add "x" and "y", or train on a CSV file"#
    ),
  ])
  func partsThatDoNotFit(_ json: String, _ expected: String) {
    #expect(message { try read(more: json).makeModel() } == expected)
  }

  @Test(arguments: [("epoch", "epochs"), ("batchsize", "batch_size"), ("Seed", "seed")])
  func aKeyThatIsALetterAwayIsASlip(_ key: String, _ meant: String) {
    #expect(
      message { try read(more: #", "\#(key)": 7"#) }
        == #"the model description has no key "\#(key)"; did you mean "\#(meant)"?"#)
  }

  @Test func otherKeysAreNotes() throws {
    _ = try read(more: #", "source": "Keras", "batches": [], "date": "today", "notes": {}"#)
  }

  @Test func badRoots() {
    #expect(
      message { try read(loss: #""mean_square_error""#) }
        == #"loss is "mean_square_error", which is not a loss; did you mean "mean_squared_error"? (the losses are mean_squared_error, mean_absolute_error, binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy)"#
    )
    #expect(
      message { try ModelDescription(json: Array("[1]".utf8)) }
        == #"the model description is a list of 1 instead of an object; write {"layers": […], "loss": …, "optimizer": …}"#
    )
    #expect(
      message { try ModelDescription(json: Array("{}".utf8)) }
        == #"the model description has no layers; add "layers": [{"units": 16, "activation": "relu"}, {"units": 1}]"#
    )
    #expect(
      message { try ModelDescription.read(path: "/nowhere/model.json") }
        == "there is no model description at /nowhere/model.json; check the path")
  }

  @Test func initialWeightsAreSet() throws {
    let json =
      #", "x": [[1, 2]], "y": [1], "initial_weights": {"dense_0/kernel": [[1, 2], [3, NaN]]}"#
    let model = try read(more: json).makeModel()
    let values = try model.values(of: "dense_0/kernel")
    #expect(values.prefix(3) == [1, 2, 3])
    #expect(values[3].isNaN)
  }

  @Test(arguments: [
    ("{\n  \"layers\": [}", #"the JSON has "}" at line 2, column 14; write a value there"#),
    ("", "the JSON has the end of the text at line 1, column 1; write a value there"),
    ("[1", #"the JSON has the end of the text at line 1, column 3; write "," or "]" there"#),
    ("{\"a\" 1}", #"the JSON has "1" at line 1, column 6; write ":" there"#),
    ("{\"a\": 1 \"b\"}", #"the JSON has """ at line 1, column 9; write "," or "}" there"#),
    ("{'a': 1}", #"the JSON has "'" at line 1, column 2; write a key in double quotes there"#),
    ("[1-2]", #"the JSON has "1" at line 1, column 2; write a number such as -1.5e3 there"#),
    ("[] x", #"the JSON has "x" at line 1, column 4; write the end there"#),
    ("[\"\\q\"]", #"the JSON has "q" at line 1, column 4; write an escape such as \n there"#),
    ("[\"abc", "the JSON has the end of the text at line 1, column 6; write a closing quote there"),
    (
      String(repeating: "[", count: 70),
      #"the JSON has "[" at line 1, column 66; write no more than 64 levels there"#
    ),
  ])
  func textsThatAreNotJSON(_ text: String, _ expected: String) {
    #expect(message { try ModelDescription(json: Array(text.utf8)) } == expected)
  }

  @Test func escapesAreRead() throws {
    let description = try read(more: #", "name": "a\"\n\u00e9\ud83d\ude00é""#)
    #expect(description.name == "a\"\n\u{E9}\u{1F600}\u{E9}")
  }
}
