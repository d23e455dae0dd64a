"""Records what Keras computes, batch by batch, for many small networks.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    python generate.py            # writes <case>.json beside itself

Each file holds a model, its data and, for every batch, the loss and the gradient of every trainable
weight, taken with GradientTape on the batch before the optimizer's step. The cases cover between them
every activation, loss, optimizer option and kind of clipping of GradlogTrainer.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf

SGD = {"name": "sgd", "learning_rate": 0.1}
ADAM = {"name": "adam", "learning_rate": 0.02}


def dense(units, activation, **options):
    return {"units": units, "activation": activation, **options}


def hidden(activation, units=4):
    """A network with the activation twice inside and a linear output."""
    return [dense(5, activation), dense(units, activation), dense(2, "linear")]


def case(layers, loss, optimizer, target="real", rows=13, batch=5, epochs=3, scale=1.0):
    return {"layers": layers, "loss": loss, "optimizer": optimizer, "target": target,
            "rows": rows, "batch_size": batch, "epochs": epochs, "scale": scale}


CASES = {
    # Activations, hidden.
    "activation-linear": case(hidden("linear"), "mean_squared_error", SGD),
    "activation-relu": case(hidden("relu"), "mean_squared_error", SGD),
    "activation-leaky-relu": case(hidden("leaky_relu"), "mean_squared_error", SGD),
    "activation-leaky-relu-slope": case(
        hidden({"name": "leaky_relu", "negative_slope": 0.05}), "mean_squared_error", SGD),
    "activation-elu": case(hidden("elu"), "mean_squared_error", ADAM),
    "activation-elu-alpha": case(hidden({"name": "elu", "alpha": 0.5}), "mean_squared_error", SGD),
    "activation-gelu": case(hidden("gelu"), "mean_squared_error", ADAM),
    "activation-softplus": case(hidden("softplus"), "mean_squared_error", SGD),
    "activation-sigmoid": case(hidden("sigmoid"), "mean_squared_error", ADAM),
    "activation-tanh": case(hidden("tanh"), "mean_squared_error", SGD),
    "activation-softmax": case(hidden("softmax"), "mean_squared_error", SGD),
    # Losses, with outputs in and out of their domain: the clip to [1e-7, 1 - 1e-7] shows.
    "loss-mae": case(
        [dense(6, "tanh"), dense(3, "linear")], "mean_absolute_error", SGD, target="real3"),
    "loss-mse-softmax": case(
        [dense(6, "tanh"), dense(3, "softmax")], "mean_squared_error", SGD, target="onehot3"),
    "loss-binary-sigmoid3": case(
        [dense(6, "relu"), dense(3, "sigmoid")], "binary_crossentropy", ADAM, target="bits3"),
    # Saturated outputs leave gradients near 1e-8 that are rounding noise of the last bit; Adam would
    # turn that noise into steps of visible size, SGD does not.
    "loss-binary-saturated": case(
        [dense(6, "relu"), dense(1, "sigmoid")], "binary_crossentropy",
        {"name": "sgd", "learning_rate": 0.001}, target="bits1", scale=60.0),
    "loss-binary-relu": case(
        [dense(6, "tanh"), dense(2, "relu")], "binary_crossentropy",
        {"name": "sgd", "learning_rate": 0.01}, target="bits2"),
    "loss-binary-softplus": case(
        [dense(6, "tanh"), dense(2, "softplus")], "binary_crossentropy",
        {"name": "sgd", "learning_rate": 0.01}, target="bits2"),
    "loss-binary-softmax": case(
        [dense(6, "tanh"), dense(3, "softmax")], "binary_crossentropy", SGD, target="onehot3"),
    "loss-categorical-softmax-saturated": case(
        [dense(6, "relu"), dense(3, "softmax")], "categorical_crossentropy",
        {"name": "sgd", "learning_rate": 0.001}, target="onehot3", scale=60.0),
    "loss-categorical-sigmoid": case(
        [dense(6, "tanh"), dense(3, "sigmoid")], "categorical_crossentropy", SGD, target="onehot3"),
    "loss-categorical-softplus": case(
        [dense(6, "tanh"), dense(3, "softplus")], "categorical_crossentropy", SGD,
        target="onehot3"),
    "loss-categorical-linear": case(
        [dense(6, "tanh"), dense(3, "linear", bias_initializer="ones")],
        "categorical_crossentropy", {"name": "sgd", "learning_rate": 0.001}, target="onehot3"),
    "loss-categorical-soft-labels": case(
        [dense(6, "tanh"), dense(3, "softmax")], "categorical_crossentropy", SGD, target="real3"),
    "loss-sparse-softmax": case(
        [dense(6, "elu"), dense(4, "softmax")], "sparse_categorical_crossentropy", ADAM,
        target="class4"),
    "loss-sparse-softplus": case(
        [dense(6, "tanh"), dense(4, "softplus")], "sparse_categorical_crossentropy", SGD,
        target="class4"),
    "loss-sparse-relu": case(
        [dense(6, "tanh"), dense(4, "relu", bias_initializer="ones")],
        "sparse_categorical_crossentropy", {"name": "sgd", "learning_rate": 0.01}, target="class4"),
    "loss-sparse-sigmoid": case(
        [dense(6, "tanh"), dense(4, "sigmoid")], "sparse_categorical_crossentropy", SGD,
        target="class4"),
}

OPTIMIZERS = {
    "sgd-momentum": dict(name="sgd", learning_rate=0.03, momentum=0.9),
    "sgd-nesterov": dict(name="sgd", learning_rate=0.03, momentum=0.8, nesterov=True),
    "sgd-nesterov-without-momentum": dict(name="sgd", learning_rate=0.03, nesterov=True),
    "sgd-weight-decay": dict(name="sgd", learning_rate=0.05, momentum=0.5, weight_decay=0.1),
    "sgd-clipnorm": dict(name="sgd", learning_rate=0.1, momentum=0.9, clipnorm=0.2),
    "sgd-global-clipnorm": dict(name="sgd", learning_rate=0.1, global_clipnorm=0.3),
    "sgd-clipvalue": dict(name="sgd", learning_rate=0.1, clipvalue=0.05),
    "rmsprop": dict(name="rmsprop", learning_rate=0.01),
    "rmsprop-rho": dict(name="rmsprop", learning_rate=0.01, rho=0.5, epsilon=1e-4),
    "rmsprop-momentum": dict(name="rmsprop", learning_rate=0.01, momentum=0.7),
    "rmsprop-centered": dict(name="rmsprop", learning_rate=0.01, centered=True),
    "rmsprop-centered-momentum": dict(
        name="rmsprop", learning_rate=0.01, centered=True, momentum=0.7, clipvalue=0.1),
    "rmsprop-weight-decay": dict(name="rmsprop", learning_rate=0.01, weight_decay=0.05),
    "adam-betas": dict(name="adam", learning_rate=0.01, beta_1=0.7, beta_2=0.95, epsilon=1e-3),
    "adam-amsgrad": dict(name="adam", learning_rate=0.02, amsgrad=True),
    "adam-weight-decay": dict(name="adam", learning_rate=0.02, weight_decay=0.2),
    "adam-global-clipnorm": dict(name="adam", learning_rate=0.02, global_clipnorm=0.1),
    "adamw": dict(name="adamw", learning_rate=0.02),
    "adamw-amsgrad-clipnorm": dict(
        name="adamw", learning_rate=0.02, weight_decay=0.3, amsgrad=True, clipnorm=0.1),
}
for name, options in OPTIMIZERS.items():
    CASES["optimizer-" + name] = case(
        [dense(4, "tanh"), dense(3, "softmax")], "categorical_crossentropy", options,
        target="onehot3")

CASES["options-frozen"] = case(
    [dense(4, "tanh"), dense(3, "gelu", trainable=False), dense(2, "linear")],
    "mean_squared_error", dict(name="adamw", learning_rate=0.02, global_clipnorm=0.5))
CASES["options-no-bias"] = case(
    [dense(4, "tanh", use_bias=False), dense(1, "sigmoid", use_bias=False)],
    "binary_crossentropy", SGD, target="bits1")


def make_target(kind, rows, generator):
    count = int(kind[-1]) if kind[-1].isdigit() else 2
    if kind.startswith("real"):
        return generator.normal(size=(rows, count)).astype("float32")
    if kind.startswith("bits"):
        return generator.integers(0, 2, size=(rows, count)).astype("float32")
    classes = generator.integers(0, count, size=rows)
    if kind.startswith("class"):
        return classes.reshape(-1, 1).astype("float32")
    return np.eye(count, dtype="float32")[classes]


def activation_of(value):
    if isinstance(value, str):
        return value
    options = {key: item for key, item in value.items() if key != "name"}
    function = getattr(keras.activations, value["name"])
    return lambda x: function(x, **options)


def build(description, columns):
    layers = [keras.Input((columns,))]
    for layer in description["layers"]:
        options = {key: value for key, value in layer.items() if key != "activation"}
        layers.append(keras.layers.Dense(activation=activation_of(layer["activation"]), **options))
    model = keras.Sequential(layers)
    options = dict(description["optimizer"])
    classes = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}
    optimizer = getattr(keras.optimizers, classes[options.pop("name")])(**options)
    model.compile(loss=description["loss"], optimizer=optimizer)
    return model


def weights_of(model):
    """Every weight by its name in gradlog, from the input on."""
    named = {}
    for index, layer in enumerate(model.layers):
        named[f"dense_{index}/kernel"] = layer.kernel
        if layer.use_bias:
            named[f"dense_{index}/bias"] = layer.bias
    return named


def numbers(array):
    """Nested lists of float32 values in the fewest digits that read back exactly."""
    if array.ndim:
        return [numbers(row) for row in array]
    return float(str(np.float32(array)))


def record(name, description):
    keras.utils.set_random_seed(20)
    generator = np.random.default_rng(sum(map(ord, name)))
    rows, size = description["rows"], description["batch_size"]
    x = (description["scale"] * generator.normal(size=(rows, 3))).astype("float32")
    y = make_target(description["target"], rows, generator)
    model = build(description, x.shape[1])
    named = weights_of(model)
    names = {id(variable): name for name, variable in named.items()}
    initial = {name: numbers(variable.numpy()) for name, variable in named.items()}
    batches = []
    for epoch in range(description["epochs"]):
        for batch, start in enumerate(range(0, rows, size)):
            stop = min(start + size, rows)
            with tf.GradientTape() as tape:
                output = model(x[start:stop], training=True)
                loss = model.compute_loss(x=x[start:stop], y=tf.constant(y[start:stop]), y_pred=output)
            gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
            batches.append({
                "epoch": epoch, "batch": batch, "rows": [start, stop], "loss": numbers(loss.numpy()),
                "gradients": {names[id(variable)]: numbers(gradient.numpy())
                              for variable, gradient in zip(model.trainable_variables, gradients)}})
            model.optimizer.apply(gradients, model.trainable_variables)
    config = model.optimizer.get_config()
    config = {k: (v.item() if hasattr(v, "item") else v) for k, v in config.items()}
    config["learning_rate"] = numbers(np.float32(config["learning_rate"]))
    return {
        "name": name, "source": f"Keras {keras.__version__}, TensorFlow {tf.__version__}", "seed": 20,
        "loss": description["loss"],
        "optimizer": {"name": description["optimizer"]["name"], "config": config},
        "layers": description["layers"], "batch_size": size, "epochs": description["epochs"],
        "shuffle": False, "x": numbers(x), "y": numbers(y), "initial_weights": initial,
        "batches": batches,
        "final_weights": {name: numbers(variable.numpy()) for name, variable in named.items()}}


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent
    for name, description in CASES.items():
        text = json.dumps(record(name, description), separators=(",", ":"))
        (folder / f"{name}.json").write_text(text + "\n")
        print(name, len(text))
