"""Augmentation on Keras' backend, with hair, rulers, pen marks and dark corners drawn over the images."""
