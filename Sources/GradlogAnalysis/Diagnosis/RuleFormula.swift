internal import Gradlog

extension Rule {
  /// When the rule hits, a line for each of its conditions. Numbers that can be changed are called by the names of their
  /// thresholds.
  var formula: String {
    switch self {
    case .nonFinite:
      """
      A weight is reported from the first batch on in which its gradient has a NaN, +Inf or -Inf element; the loss, when \
      it is not finite in a batch whose gradients all are. Critical. Under a loss scale (automatic mixed precision) an \
      overflow now and then is how the scale is found: there it is information until it has gone on for \
      nonfinite.scaled-patience batches in a row.
      """
    case .exploding:
      """
      Let n be log2 of the norm of the whole gradient, and b a robust running level of n that takes nothing from an \
      excursion; in the first 8 batches, b is the lowest n. An excursion begins when n - b reaches log2(exploding.onset), \
      or six times the usual spread of n if that is more, and ends below half of that. After 64 batches it is the new \
      level, unless it does harm: the loss, the median of the last 16, is worse than its best by more than \
      exploding.relapse of that.
      Growth: the median of its last 16 batches is log2(exploding.growth) or more, for exploding.patience batches, and it \
      does harm; critical.
      Into NaN: it reached log2(exploding.growth) when a gradient or the loss became NaN or infinite, without a loss \
      scale; critical.
      Jump: it reached log2(exploding.factor), and lasts for three batches, or, without a loss, is the one that makes \
      exploding.spikes of them; critical.
      Spike: it reached log2(exploding.spike); a warning.
      Loss: more than exploding.loss times the first ones for exploding.loss-patience batches in a row; critical until \
      the median of the last 16 is below the first ones, but a warning while the rule oscillation is critical and it is \
      below exploding.swing times them.
      Loss of a classifier of more than two classes: more than exploding.loss-level times that of guessing, ln of their \
      number, at first and after stagnation.batches losses, not flat, and no mere sum of many: the first norm is \
      exploding.steepness of it; critical until it is below that of guessing.
      Size: a norm above exploding.norm; critical. Or, in a network of several kernels, a kernel whose gradient is larger than \
      exploding.first-size an element in each of the first 8 batches: critical under a loss that was never below the \
      first ones by exploding.first-learned, else a warning.
      Inputs: the norm of a dense layer's kernel, divided by that of the bias behind it and by the root of the number of its \
      inputs, is about the root mean square of these. Of the last such layer it was exploding.inputs or more in each of the first \
      4 batches, and the bias's norm exploding.inputs-bias. Critical until of the loss no more is left than what \
      learned.share leaves, divided by that size, and it is below guessing.share of that of guessing.
      Weights, where the training told how large they were at first: the gain of a kernel is the root mean square of its first \
      values times the square root of its width, the geometric mean of inputs and outputs; that of Glorot's initialization is 1. \
      Of a kernel it is exploding.weights or more, and the root mean square exploding.weights-size, as of no usual lookup. \
      A warning, and critical after stagnation.batches losses, or without a loss after as many batches, while nothing else is; over when the loss \
      is below the first ones by learned.share and below guessing.share of that of guessing.
      Depth: of three kernels or more, the median size of the first third is exploding.depth decades or more above that of \
      the last third, and not below exploding.depth-size, for exploding.patience batches in a row (sizes as under \
      vanishing); critical under a loss that is not below the first ones by learned.share, else a warning.
      A warning becomes critical when a critical finding of the rule dead or vanishing begins at most exploding.aftermath \
      batches after it. Growth, jump and spike are a warning once the loss is below the first ones by learned.share. The weight is the one that \
      had risen most above its own level when it began; of a first size, the largest; of inputs, the first whose inputs were so large.
      """
    case .vanishing:
      """
      The size of a kernel (a weight of two dimensions or more) is the root mean square of the elements that are not \
      zero; its decimal logarithm is smoothed over about ten batches. Lookups, kernels of which most rows are zero, are left out.
      Depth: of three kernels or more, the median size of the first third is vanishing.drop decades or more below that of \
      the last third, and below vanishing.size, for vanishing.patience batches in a row. Critical until the loss is below \
      the first ones by learned.share; without a loss, from vanishing.critical-drop decades on if it began within three \
      times vanishing.patience batches. It is over when the sizes \
      have recovered and the loss is below the first ones by learned.share; without a loss, when those of the first third \
      have risen by vanishing.rise decades, and not when those of the last have fallen.
      Instead of the first third the middle one counts when it is smaller and vanishing.middle decades below the last.
      First gradients: the training never began, the loss being as the rule absent has it and never lower than the first \
      ones by vanishing.learned. In the first 4 batches no kernel reached vanishing.first-size times the loss, in which case \
      it is also enough that after stagnation.batches losses the loss is not below the first ones by learned.share, and has not \
      fallen by vanishing.progress from its third quarter to its last; or a fifth of \
      them were vanishing.drop decades below the largest, which has fallen by vanishing.rest decades since, or by vanishing.restless \
      decades more. Critical.
      Weights, where the training told how large they were at first: the median gain of the kernels, see exploding, is at most \
      vanishing.weights. A warning, and critical after stagnation.batches losses, or without a loss after as many batches when it is \
      a fifth of that, or as soon as gradients vanish or units are dead, until the loss is below the first ones by learned.share.
      Decay: the median norm of the last 16 batches is vanishing.decay decades below that of the first 16, for \
      vanishing.patience batches, under such a loss; critical.
      Size: no kernel reaches vanishing.tiny times the loss (times 0.01 when none is known) for vanishing.patience batches \
      in a row, while the loss is at least a twentieth of the first ones; critical, but a warning when there is no loss \
      and the gradients were larger before. Or, without a loss, none that was below vanishing.first-size times 0.03 in the \
      first 4 batches reaches ten times that for stagnation.batches batches in a row.
      """
    case .dead:
      """
      The units of a layer are the elements of a weight of one dimension; one is dead when its gradient is exactly zero, \
      and so is its slice of the kernel before. Between two kernels without such a weight, a unit is dead when its slices \
      of both are zero. Counted is the least share of the last 16 to 32 batches, so that units which rest in one batch are \
      not dead. Information from dead.share on, while the loss is not zero. A warning from dead.critical-share on, and \
      critical until the loss is below the first ones by dead.learned-share; whatever the loss, when all \
      of it is zero or missing, and so is all before it from the input on. Zero rows of an embedding and inputs that are \
      always zero do not count.
      """
    case .stagnation:
      """
      Identical: norm, direction and loss are those of the batch before, for stagnation.patience batches in a row; \
      critical.
      Flat: from the first losses, or the first quarter of them if that is higher, to the last quarter, the loss has \
      fallen by less than stagnation.fall of the first ones after stagnation.batches losses, by less than \
      stagnation.long-fall after stagnation.long-batches, or by less than stagnation.errors standard errors of that \
      difference. Critical when there is much to learn: the loss is at least guessing.share of that of guessing, or the \
      gradients agree with each other, the first 16 with a median cosine from stagnation.cosine to stagnation.most-cosine, the last \
      32 from stagnation.cosine on; a warning otherwise, and once the loss is below the first ones by learned.share. It is over when the loss has fallen \
      further, and is below the first ones by stagnation.recovery or below guessing.share of that of guessing.
      Stalled: in each of three blocks of 32 batches the median cosine between neighbours is stagnation.stall-cosine or \
      more, and yet the natural logarithm of the median norm differs by less than stagnation.stall-size and the loss falls by less \
      than stagnation.stall-fall; without a loss, by less than stagnation.stall-size-alone. Gradients of one very length \
      are clipped, and not judged. Critical.
      Not judged with several optimizers, which may be in balance. A loss that is zero or negative within the first 16 \
      batches tells nothing by its ratio to the first ones: all rules take it as unknown.
      """
    case .oscillation:
      """
      The median cosine between the whole gradient and the one before, over 32 batches, is below oscillation.cosine for \
      oscillation.patience batches in a row; once it is, half of that counts, too. Critical while the loss is at least \
      guessing.share of that of guessing, or a tenth above the first ones, and either is not below the first ones by oscillation.share, unless it is below \
      them and has fallen by oscillation.progress from its third quarter to its last; or has risen again by \
      oscillation.relapse of the best that it was. Without a loss, below oscillation.critical-cosine. Otherwise information when the loss has fallen so, and else a warning; never more than \
      that once the loss is below the first ones by learned.share. Not judged with several optimizers, which may turn \
      round each other.
      """
    case .underflow:
      """
      What was computed in float16 consists of zeros and of multiples of its smallest number, 2^-24. The network is known to \
      be so when three times a kernel's mean size, zeros left out, was below underflow.quanta of them and the sum of its \
      magnitudes a whole number of them. A kernel of it is reported when underflow.share of its elements are zero, rows \
      of a lookup that a batch does not touch left out, and the others such multiples, or all are zero, for \
      underflow.patience batches in a row. Critical until the loss is below the first ones by learned.share.
      The network is reported when from the first batch on, for underflow.patience batches, every gradient is zero under \
      a loss that is not, but is below underflow.loss, as far as it is known; critical.
      """
    case .absent:
      """
      A weight is handed over without a gradient for absent.patience batches in a row. Critical while they are \
      absent.share or more of those that are not frozen, from the kernel nearest to the input on, or absent.most-share \
      wherever they are, and the loss is not below the first ones by learned.share; a warning otherwise.
      A weight that the training holds fixed is information. It is critical while so many of all weights have no \
      gradient, and either it had one before, absent.held-share of all have none and \
      the loss is not below the first ones by learned.share; or, after stagnation.batches losses, the loss is not below \
      the first ones by oscillation.share and is at least guessing.share of that of guessing.
      """
    case .accumulating:
      """
      From the first batch on: in the first 12 batches the norm rises at least 9 times, to accumulating.first-sum times the \
      first one; the cosine between neighbours is that of a sum, the root of t / (t + 1), or more, but for 0.12 and twice; \
      and what a batch adds, the gradient minus the one before, is at most 4 times as long as the first one, \
      accumulating.addition times in the median, and grows less than the norm does.
      Or, in a window of 16 batches, let s be the natural logarithm of the norm of the gradient and d that of what a batch \
      adds, the gradient minus the one before. The norm is accumulating.sum times the first one or more, no length to \
      which several gradients of the window are clipped, and: either d varies and the sum does not, the mean step of d \
      being accumulating.variation or more, that of s at most accumulating.calm of it, the median cosine between \
      neighbours accumulating.cosine or more, and d once at least s + ln(accumulating.least); or the sum grows alone, s \
      by ln(accumulating.growth) from one half of the window to the other, d by at most accumulating.share of that, with \
      a median cosine of accumulating.growth-cosine or more. No gradient of the window is 4 times as long as the one before, and where it begins with the first batches \
      these turned by more than sums do fewer than 5 times. Reported after accumulating.patience windows in a row; \
      critical until the loss is below the first ones by learned.share. In a healthy run both vary alike. Not judged \
      with several optimizers.
      """
    case .noiseScale:
      """
      The simple noise scale tr(S) / |G|^2 in batches, where neighbouring batches share |G|^2 = E g(t) g(t-1) and \
      E |g|^2 = |G|^2 + tr(S); averages with weight 0.99, told after noise-scale.batches batches.
      """
    }
  }

  /// Papers and tools that have the rule, or the idea.
  var sources: [String] {
    switch self {
    case .nonFinite:
      [
        "Amazon SageMaker Debugger, rule ExplodingTensor", "TensorFlow tfdbg v2, CURT_HEALTH",
        "Megatron-LM, check of each bucket's norm before it is reduced",
      ]
    case .exploding:
      [
        "Huber, Robust Estimation of a Location Parameter, 1964; Robbins and Monro, A Stochastic Approximation Method, 1951",
        "OLMo-core SkipStepOptimizer: 6 sigma over 128 norms, the suspect value kept out of its own baseline",
        "ZClip, arXiv 2504.02507: z-score of the norm against a moving average",
        "Megatron-LM is_unexpectedly_large: 10 times the largest of the first 100",
        "msprobe AnomalyNan: an absolute bound of 1e10",
        "Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks, 2010",
        "Amazon SageMaker Debugger, rule PoorWeightInitialization",
      ]
    case .vanishing:
      [
        "Zhang et al., AutoTrainer, ICSE 2021: ratio of the first to the last layer's norm",
        "Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks, 2010",
        "Amazon SageMaker Debugger, rule VanishingGradient: mean of |g| below 1e-7",
      ]
    case .dead:
      [
        "Amazon SageMaker Debugger, rules DeadRelu and AllZero",
        "Zhang et al., AutoTrainer, ICSE 2021: share of zeros over all gradients",
        "Sokar et al., The Dormant Neuron Phenomenon, ICML 2023",
      ]
    case .stagnation:
      [
        "Amazon SageMaker Debugger, rules UnchangedTensor and LossNotDecreasing",
        "Jiang et al., TrainCheck, OSDI 2025: a step that changes no parameter",
      ]
    case .oscillation:
      [
        "Schneider et al., Cockpit, NeurIPS 2021: the gauge Alpha",
        "msprobe get_sign_matches: agreement of the signs of gradient and momentum",
      ]
    case .underflow:
      [
        "Micikevicius et al., Mixed Precision Training, ICLR 2018",
        "NVIDIA TransformerEngine debug: underflows%",
      ]
    case .absent: ["Jiang et al., TrainCheck, OSDI 2025"]
    case .accumulating: ["PyTorch, Optimizer.zero_grad; the rule is gradlog's own"]
    case .noiseScale:
      [
        "McCandlish et al., An Empirical Model of Large-Batch Training, arXiv 1812.06162, appendix A"
      ]
    }
  }
}
