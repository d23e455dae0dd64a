"""Models of every kind: which weights, in which order, under which names."""

import autodiff
import gradlog.keras
import keras
import numpy
import pytest
from keras import layers
from recordings import column, read
from training import BACKEND, data, mlp, part, record

LOSS = keras.losses.binary_crossentropy


def assert_exact(path, build, x, y, loss=LOSS, **compiled):
    """Trains a model and compares each gradient with autodiff; returns the batches."""
    model = build()
    model.compile("adam", loss, **compiled)
    batches, weights = record(path, model, x, y)
    assert len(batches) == 2 * -(-len(x) // 16)
    for batch, before in zip(batches, weights, strict=True):
        twin = build()
        expected = autodiff.gradients(twin, before, part(x, batch.batch), part(y, batch.batch), loss)
        names = gradlog.keras.weight_names(twin)
        assert [name for name in batch.gradients if name in names] == names
        for name, wanted in zip(names, expected, strict=True):
            autodiff.assert_same([batch.gradients[name]], [wanted])
    return batches


def convolutional():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid", kernel_regularizer=keras.regularizers.L2(0.01)),
        ]
    )


def recurrent():
    return keras.Sequential([keras.Input((5, 3)), layers.LSTM(6), layers.Dense(1, activation="sigmoid")])


def transformer():
    tokens = keras.Input((6, 8))
    attended = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    normal = layers.LayerNormalization()(layers.Add()([tokens, attended]))
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling1D()(normal)))


@pytest.mark.parametrize(
    ("build", "shape"), [(convolutional, (8, 8, 1)), (recurrent, (5, 3)), (transformer, (6, 8))]
)
def test_common_networks(path, build, shape):
    x = numpy.random.RandomState(2).rand(40, *shape).astype("float32")
    assert_exact(path, build, x, data(rows=40)[1])


def test_an_embedding_keeps_rows_where_the_backend_has_rows(path):
    def build():
        return keras.Sequential(
            [
                keras.Input((7,), dtype="int32"),
                layers.Embedding(200, 4),
                layers.GlobalAveragePooling1D(),
                layers.Dense(1, activation="sigmoid"),
            ]
        )

    x = numpy.random.RandomState(2).randint(0, 50, (48, 7)).astype("int32")
    batches = assert_exact(path, build, x, data(rows=48)[1])
    table = batches[0].gradients["sequential/embedding/embeddings"]
    assert numpy.abs(table[50:]).max() == 0 and numpy.abs(table[:50]).max() > 0
    encodings = column(path, "SELECT DISTINCT encoding FROM gradients WHERE weight LIKE '%embeddings'")
    assert encodings == (["rows"] if BACKEND == "tensorflow" else ["dense"])


def test_shared_and_nested_layers_appear_once(path):
    def build():
        shared = layers.Dense(10, activation="tanh", name="shared")
        inner = keras.Sequential([keras.Input((10,)), shared, layers.Dense(4)], name="inner")
        inputs = keras.Input((10,))
        outputs = layers.Dense(1, activation="sigmoid")(inner(shared(shared(inputs))))
        return keras.Model(inputs, outputs)

    batches = assert_exact(path, build, *data(rows=48))
    assert len(batches[0].gradients) == 6
    assert sum("shared" in name for name in batches[0].gradients) == 2


def test_frozen_weights_are_absent_and_in_their_place(path):
    def build():
        model = mlp()
        model.layers[1].trainable = False
        return model

    batches = assert_exact(path, build, *data(rows=48))
    names = gradlog.keras.weight_names(mlp())
    assert list(batches[0].gradients) == names
    for batch in batches:
        assert [name for name, g in batch.gradients.items() if g is None] == names[2:4]
    assert column(path, "SELECT DISTINCT absent FROM gradients WHERE weight LIKE '%dense_1/%'") == [1]
    assert column(path, "SELECT name FROM weights WHERE frozen") == names[2:4]


def test_a_layer_is_unfrozen_between_two_fits(path):
    model = mlp()
    model.layers[1].trainable = False
    model.compile("sgd", "binary_crossentropy")
    recorder = gradlog.keras.GradientRecorder(path)
    frozen = []
    for trains in (False, True, False):
        model.layers[1].trainable = trains
        model.compile("sgd", "binary_crossentropy")
        model.fit(*data(rows=32), epochs=1, verbose=0, callbacks=[recorder])
        frozen.append(column(path, "SELECT name FROM weights WHERE frozen"))
    names = gradlog.keras.weight_names(mlp())[2:4]
    assert frozen == [names, [], names]


@pytest.mark.skipif(BACKEND != "torch", reason="a compiled step goes on with the layers that it began with")
def test_a_layer_is_frozen_within_a_fit(path):
    class Freeze(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.layers[1].trainable = batch < 2

    model = mlp()
    model.compile("sgd", "binary_crossentropy")
    recorder = gradlog.keras.GradientRecorder(path)
    model.fit(*data(rows=48), batch_size=16, verbose=0, callbacks=[Freeze(), recorder])
    names = gradlog.keras.weight_names(mlp())[2:4]
    absent = [[name for name, g in batch.gradients.items() if g is None] for batch in read(path)]
    assert absent == [[], [], names]
    assert column(path, "SELECT name FROM weights WHERE frozen") == names


def test_state_that_is_no_weight_does_not_appear(path):
    x = numpy.random.RandomState(2).rand(32, 8, 8, 1).astype("float32")
    batches = assert_exact(path, convolutional, x, data(rows=32)[1])
    leaves = [name.rsplit("/", 1)[1] for name in batches[0].gradients]
    assert leaves == ["kernel", "bias", "gamma", "beta", "kernel", "bias"]


def test_unused_weights_are_absent_except_on_jax(path):
    class Partly(keras.Model):
        def __init__(self):
            super().__init__()
            self.used = layers.Dense(1, activation="sigmoid", name="used")
            self.spare = layers.Dense(3, name="spare")

        def build(self, shape):
            self.used.build(shape)
            self.spare.build(shape)

        def call(self, x, training=None):
            return self.used(x)

    def build():
        model = Partly()
        model.build((None, 10))
        return model

    batches = assert_exact(path, build, *data(rows=48))
    spare = [g for name, g in batches[0].gradients.items() if "spare" in name]
    assert len(spare) == 2
    if BACKEND == "jax":
        assert all((g == 0).all() for g in spare)
    else:
        assert spare == [None, None]
    assert column(path, "SELECT name FROM weights WHERE frozen") == []


def test_a_model_that_is_built_by_fit(path):
    class Lazy(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = layers.Dense(4, activation="relu")
            self.last = layers.Dense(1, activation="sigmoid")

        def call(self, x):
            return self.last(self.first(x))

    model = Lazy()
    model.compile("adam", LOSS)
    x, y = data(rows=32)
    model.fit(x, y, verbose=0, callbacks=[gradlog.keras.GradientRecorder(path)])
    assert list(read(path)[0].gradients) == gradlog.keras.weight_names(model)


def test_names_are_the_same_for_a_model_built_again():
    first, second = mlp(), mlp()
    assert [w.path for w in first.trainable_weights] != [w.path for w in second.trainable_weights]
    assert gradlog.keras.weight_names(first) == gradlog.keras.weight_names(second)
    assert gradlog.keras.weight_names(first)[2] == "sequential/dense_1/kernel"


def test_names_follow_the_order_in_which_layers_were_made():
    late, early = layers.Dense(10), layers.Dense(10)
    inputs = keras.Input((10,))
    model = keras.Model(inputs, late(early(inputs)))
    names = gradlog.keras.weight_names(model)
    assert [name.split("/")[-2] for name in names] == ["dense_1", "dense_1", "dense", "dense"]


def test_equal_paths_get_a_number():
    def part_of():
        return keras.Sequential([keras.Input((3,)), layers.Dense(3, name="same")], name="part")

    model = keras.Sequential([keras.Input((3,))])
    first, second = part_of(), part_of()
    second._name = "part"
    inputs = keras.Input((3,))
    hidden = layers.Lambda(lambda x: x)(first(inputs))
    try:
        model = keras.Model(inputs, layers.Add()([hidden, second.layers[0](hidden)]))
    except ValueError:
        pytest.skip("Keras refuses layers of one name here")
    names = gradlog.keras.weight_names(model)
    assert len(set(names)) == len(names) == 4
