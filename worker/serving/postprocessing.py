"""From the model's output to what is said: population, band, receipt. The artefact has all the numbers."""

import numpy as np

from shared.contract.decision import UNMEASURED, Advice, Receipt, Refusal, RefusalReason, Verdict, Work
from shared.images.evidence_map import to_evidence_map
from shared.model.artefact import Manifest, Population
from shared.model.decision_rules import find_bin, find_population, select_band, select_kind, wilson_interval
from worker.batching.work_item import Prediction


class Postprocessor:
    """Says what `manifest` lets one say of a prediction."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._names = [label.name for label in manifest.labels]
        self._counts = np.array([label.counts for label in manifest.labels])

    def decide(self, predicted: Prediction, *, advice: tuple[Advice, ...], decode_s: float) -> Verdict | Refusal:
        """Verdict for one picture, or a refusal where it shows no lesion."""
        probabilities = dict(zip(self._names, predicted.probabilities.tolist(), strict=True))
        kind = select_kind(predicted.kinds, self._manifest)
        if kind is None:
            return Refusal(reason=RefusalReason.NOT_A_LESION, advice=advice, probabilities=probabilities)
        probability = min(1.0, float(predicted.probabilities[self._counts].sum()))
        population = find_population(kind, predicted.distance, self._manifest)
        return Verdict(
            artefact=self._manifest.title,
            population=population.name if population else UNMEASURED,
            probability=probability,
            probabilities=probabilities,
            band=select_band(probability, population, self._manifest),
            receipt=_receipt(probability, population) if population else None,
            evidence=to_evidence_map(predicted.evidence),
            distance=predicted.distance,
            advice=advice,
            work=Work(batch=predicted.batch, wait_s=predicted.wait_s, decode_s=decode_s, predict_s=predicted.predict_s),
        )


def _receipt(probability: float, population: Population) -> Receipt | None:
    place = find_bin(probability, population.reliability)
    if place is None or not population.reliability[place].lesions:
        return None
    held_out = population.reliability[place]
    low, high = wilson_interval(held_out.malignant, held_out.lesions)
    return Receipt(
        lesions=held_out.lesions, malignant=held_out.malignant, low=low, high=high, population=population.name
    )
