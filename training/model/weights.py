"""A model's weights as numpy arrays."""

import keras
import numpy as np
import numpy.typing as npt

#: By the variables' paths.
Weights = dict[str, npt.NDArray[np.float32]]


def get_weights(model: keras.Model) -> Weights:
    """Copy all variables out, trained or not, but for the states of random numbers."""
    return {variable.path: to_numpy(variable) for variable in _weight_variables(model)}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Put back what `get_weights` copied out. Raises `KeyError` or `ValueError` where it does not fit."""
    for variable in _weight_variables(model):
        variable.assign(weights[variable.path])


def to_numpy(variable: keras.Variable) -> npt.NDArray[np.float32]:
    """A copy of a variable's value."""
    return np.array(variable.numpy())


def _weight_variables(model: keras.Model) -> list[keras.Variable]:
    return [variable for variable in model.variables if "seed" not in variable.path]
