"""The weights of a model as numpy arrays."""

import keras
import numpy as np
import numpy.typing as npt

#: Arrays by the paths of their variables.
Weights = dict[str, npt.NDArray[np.float32]]


def get_weights(model: keras.Model) -> Weights:
    """Copy all variables, trainable or not, except the states of random generators."""
    return {variable.path: to_numpy(variable) for variable in _weight_variables(model)}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Assign what `get_weights` copied. Raises `KeyError` or `ValueError` if it does not fit the model."""
    for variable in _weight_variables(model):
        variable.assign(weights[variable.path])


def to_numpy(variable: keras.Variable) -> npt.NDArray[np.float32]:
    """Copy the value of a variable."""
    return np.array(variable.numpy())


def _weight_variables(model: keras.Model) -> list[keras.Variable]:
    return [variable for variable in model.variables if "seed" not in variable.path]
