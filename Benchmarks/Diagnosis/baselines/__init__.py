"""The published rules for sick trainings, implemented anew on the stream that gradlog recorded."""

from . import autotrainer, deepdiagnosis, deeplocalize, mindinsight, msprobe, olmo, sagemaker, zclip
from .stream import Stream, read
from .verdict import Baseline, Verdict

BASELINES: dict[str, Baseline] = {
    "SageMaker VanishingGradient, ExplodingTensor, AllZero": sagemaker.tensors,
    "SageMaker VanishingGradient": sagemaker.vanishing_gradient,
    "SageMaker ExplodingTensor": sagemaker.exploding_tensor,
    "SageMaker AllZero": sagemaker.all_zero,
    "SageMaker PoorWeightInitialization": sagemaker.poor_weight_initialization,
    "SageMaker LossNotDecreasing": sagemaker.loss_not_decreasing,
    "AutoTrainer": autotrainer.gated,
    "AutoTrainer without its gate": autotrainer.ungated,
    "DeepLocalize": deeplocalize.judge,
    "DeepDiagnosis": deepdiagnosis.judge,
    "MindInsight": mindinsight.judge,
    "msprobe AnomalyNan": msprobe.anomaly_nan,
    "msprobe AnomalyTurbulence": msprobe.turbulence,
    "msprobe AnomalyTurbulence of norms": msprobe.turbulence_of_norms,
    "ZClip": zclip.judge,
    "OLMo": olmo.judge,
}

__all__ = ["BASELINES", "Baseline", "Stream", "Verdict", "read"]
