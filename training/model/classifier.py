"""The classifier: one backbone and a head for each population."""

from enum import StrEnum
from pathlib import Path
from typing import Final

import keras

from training.data.records.labelled_image import Population
from training.model.applications import Application
from training.model.architecture import Architecture
from training.model.depthwise import Depthwise
from training.model.efficientnet_lite import EfficientNetLiteBuilder
from training.model.precision import Precision

DROPOUT: Final = 0.3
#: Order of the logits' second axis.
POPULATIONS: Final = tuple(Population)


class Head(StrEnum):
    """Layers between the mean of the last feature map and the logits."""

    #: Dropout alone: the logits are linear in the mean, so that the evidence map needs no backward pass.
    LINEAR = "linear"
    #: Dropout, batch normalisation and 64 rectified units.
    DENSE = "dense"


def build_classifier(
    architecture: Architecture | Application,
    output_count: int,
    *,
    dropout: float = DROPOUT,
    frozen_norm: bool = False,
    head: Head = Head.LINEAR,
    precision: Precision = Precision.FLOAT32,
    weights: str | Path | None = None,
    depthwise: Depthwise = Depthwise.CONVOLUTION,
) -> keras.Model:
    """Build the model.

    Its input is float32 [n, h, w, 3] in [0, 255]. It has three outputs, all float32: the logits [n, populations,
    labels], the last feature map [n, h/32, w/32, features], which is not negative, and the mean [n, channels] of a
    feature map in the middle. Each population has its own head, `head_dermatoscope` or `head_phone`, because the same
    diagnosis looks different in each and has another prevalence.

    Args:
        architecture: The backbone.
        output_count: Number of labels.
        dropout: Rate of the dropout before the heads.
        frozen_norm: Keep the statistics of an EfficientNet-Lite's batch normalisation in training.
        head: Layers before the logits.
        precision: Precision of the backbone.
        weights: Weights of a Keras application, as `Application.build_feature_maps` takes them. All other weights are
            random.
        depthwise: How an EfficientNet-Lite computes its depthwise convolutions.
    """
    image = keras.Input((None, None, 3), name="picture")
    with precision.apply_to_new_layers():
        if isinstance(architecture, Application):
            features, middle = architecture.build_feature_maps(image, weights)
        else:
            features, middle = EfficientNetLiteBuilder(architecture, frozen_norm, depthwise).build_feature_maps(image)
    features, middle = (x if x.dtype == "float32" else keras.ops.cast(x, "float32") for x in (features, middle))
    middle = keras.layers.GlobalAveragePooling2D(name="middle")(middle)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    pooled = keras.layers.Dropout(dropout, name="dropout")(pooled)
    if head is Head.DENSE:
        pooled = keras.layers.BatchNormalization(name="dense_norm")(pooled)
        pooled = keras.layers.Dense(64, activation="relu", name="dense")(pooled)
    logits = keras.ops.stack(
        [keras.layers.Dense(output_count, name=head_name(population))(pooled) for population in POPULATIONS], axis=1
    )
    model = keras.Model(image, (logits, features, middle), name="classifier")
    # TensorFlow's XLA compiles for minutes for each image size and gains nothing on a CPU. JAX always uses XLA.
    model.jit_compile = keras.backend.backend() == "jax"
    return model


def head_name(population: Population) -> str:
    """Return the name of the layer with the logits of `population`."""
    return f"head_{population}"


def freeze_before(model: keras.Model, name: str) -> None:
    """Freeze all layers before `name`, with their statistics. Raises `ValueError` if there is no such layer."""
    names = [layer.name for layer in model.layers]
    for layer in model.layers[: names.index(name)]:
        layer.trainable = False
