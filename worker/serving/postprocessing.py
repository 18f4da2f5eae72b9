"""Turns the model's output into a verdict or a refusal. All thresholds and counts come from the artefact."""

import numpy as np

from shared.contract.decision import UNMEASURED, Advice, Receipt, Refusal, RefusalReason, Verdict, Work
from shared.images.evidence_map import to_evidence_map
from shared.model.artefact import Manifest, Population
from shared.model.decision_rules import find_bin, find_population, select_band, select_kind, wilson_interval
from worker.batching.work_item import Prediction


class Postprocessor:
    """Decides on predictions by the rules of `manifest`.

    Args:
        manifest: The artefact's `model.json`.
        runtime: Runtime, device and precision of the predictions, for the verdict's work record.
    """

    def __init__(self, manifest: Manifest, *, runtime: str = "") -> None:
        self._manifest = manifest
        self._runtime = runtime
        self._label_names = [label.name for label in manifest.labels]
        self._is_counted = np.array([label.counts for label in manifest.labels])

    def decide(self, prediction: Prediction, *, advice: tuple[Advice, ...], decode_s: float) -> Verdict | Refusal:
        """Return the verdict on one image, or a refusal if it shows no lesion."""
        probabilities = dict(zip(self._label_names, prediction.probabilities.tolist(), strict=True))
        kind = select_kind(prediction.kinds, self._manifest)
        if kind is None:
            return Refusal(reason=RefusalReason.NOT_A_LESION, advice=advice, probabilities=probabilities)
        probability = min(1.0, float(prediction.probabilities[self._is_counted].sum()))
        population = find_population(kind, prediction.distance, self._manifest)
        return Verdict(
            artefact=self._manifest.title,
            population=population.name if population else UNMEASURED,
            probability=probability,
            probabilities=probabilities,
            band=select_band(probability, population, self._manifest),
            receipt=_create_receipt(probability, population) if population else None,
            evidence=to_evidence_map(prediction.evidence),
            distance=prediction.distance,
            advice=advice,
            work=Work(
                batch=prediction.batch_size,
                wait_s=prediction.wait_s,
                decode_s=decode_s,
                predict_s=prediction.predict_s,
                runtime=self._runtime,
            ),
        )


def _create_receipt(probability: float, population: Population) -> Receipt | None:
    index = find_bin(probability, population.reliability)
    if index is None or not population.reliability[index].lesions:
        return None
    reliability_bin = population.reliability[index]
    low, high = wilson_interval(reliability_bin.malignant, reliability_bin.lesions)
    return Receipt(
        lesions=reliability_bin.lesions,
        malignant=reliability_bin.malignant,
        low=low,
        high=high,
        population=population.name,
    )
