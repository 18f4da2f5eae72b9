import numpy as np

from tests.training.evaluation.factories import make_image
from training.data.records.labels import LABELS
from training.evaluation.tasks import Task, is_positive, score


def test_positive_labels_of_each_task() -> None:
    images = [make_image(label.name) for label in LABELS]
    positive = {
        task: [LABELS[image.label].name for image, flag in zip(images, is_positive(task, images), strict=True) if flag]
        for task in Task
    }
    assert positive == {
        Task.MELANOMA: ["mel"],
        Task.MALIGNANT: ["mel", "bcc", "scc"],
        Task.COUNTED: ["mel", "bcc", "scc", "akiec"],
    }


def test_score_sums_the_labels_that_the_model_has() -> None:
    """The first artefact has no squamous cell carcinoma."""
    labels = [label for label in LABELS if label.name != "scc"]
    probabilities = np.eye(len(labels))
    assert score(Task.MALIGNANT, probabilities, labels).tolist() == [1, 1, 0, 0, 0, 0, 0]
