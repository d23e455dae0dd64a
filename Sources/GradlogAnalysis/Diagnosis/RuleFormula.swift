internal import Gradlog

extension Rule {
  /// When the rule hits. Numbers that can be changed are called by the names of their thresholds.
  var formula: String {
    switch self {
    case .nonFinite:
      """
      A weight is reported from the first batch on in which its gradient has a NaN, +Inf or -Inf element; the loss, when \
      it is not finite while all gradients are. Critical, except under a loss scale (automatic mixed precision), where an \
      overflow now and then is how the scale is found: there it is information until it has gone on for \
      nonfinite.scaled-patience batches in a row.
      """
    case .exploding:
      """
      Let n be log2 of the norm of the whole gradient, and b a robust running level of n that takes nothing from an \
      excursion. An excursion begins when n - b reaches log2(exploding.onset), or six times the usual spread of n if that \
      is more. It is critical when its median stays at log2(exploding.growth) or above for exploding.patience batches \
      while the loss is worse than its best by more than exploding.relapse of that; when it runs into NaN or infinity \
      from log2(exploding.growth) up; and when it reached log2(exploding.factor), until the loss is below the first ones \
      by learned.share after all (a jump of one or two batches counts when there is no loss and exploding.spikes of them). \
      A jump of log2(exploding.spike) is a warning, and critical when units die within exploding.aftermath steps. Also \
      critical: a loss above exploding.loss times the first ones for exploding.loss-patience batches; that of a \
      classifier which is above exploding.loss-level times that of guessing, ln of the number of classes, after \
      stagnation.batches losses; a norm above exploding.norm; and a kernel whose gradients are larger than \
      exploding.first-size an element in each of the first 8 batches, in a network of several kernels. The weight is the one that had risen most above its \
      own level when it began.
      """
    case .vanishing:
      """
      The size of a kernel (a weight of two dimensions or more) is the root mean square of the elements that are not \
      zero; its decimal logarithm is smoothed over about ten batches. Depth: the median size of the first third of the \
      kernels is vanishing.drop decades or more below that of the last third, and below vanishing.size, for \
      vanishing.patience batches in a row. Critical until the loss is below the first ones by learned.share; without a \
      loss, from vanishing.critical-drop decades on. Size: no kernel reaches vanishing.tiny times the loss for \
      vanishing.patience batches, and the loss is not next to nothing itself; critical, but a warning when there is no \
      loss and the gradients were larger before.
      """
    case .dead:
      """
      Looks at the share of elements that are exactly zero in weights of one dimension, and in kernels that are zero \
      throughout when there are no such weights, and takes the least of the last batches (one block of 16 or two), so \
      that units which rest in one batch are not dead. Reported from dead.share on; critical from dead.critical-share \
      on, unless some are alive and the loss is below the first ones by dead.learned-share. Zero rows of an embedding and \
      inputs that are always zero do not count.
      """
    case .stagnation:
      """
      Identical: norm, direction and loss are those of the batch before, for stagnation.patience batches in a row; \
      critical. Flat: after stagnation.batches losses their mean has fallen by less than stagnation.fall of the first \
      ones, after stagnation.long-batches by less than stagnation.long-fall, or by less than stagnation.errors standard \
      errors of that difference. Critical when there is much to learn: the loss is at least guessing.share of that of \
      guessing, or the first gradients agree with each other, with a median cosine from stagnation.cosine to \
      stagnation.most-cosine; a warning otherwise, and once the loss is below the first ones by learned.share. Stalled: \
      over three blocks of 32 batches the median cosine between neighbours is stagnation.stall-cosine or more, and yet \
      the logarithm of the norm changes by less than stagnation.stall-size and the loss falls by less than \
      stagnation.stall-fall; without a loss, by less than stagnation.stall-size-alone. Critical.
      """
    case .oscillation:
      """
      The median cosine between the whole gradient and the one before, over 32 batches, is below oscillation.cosine for \
      oscillation.patience batches in a row; it is over when the cosine is above half of that. Critical while the loss \
      is not below the first ones by oscillation.share and is at least guessing.share of that of guessing; without a \
      loss, below oscillation.critical-cosine. A warning once the loss is below the first ones by learned.share.
      """
    case .underflow:
      """
      What was computed in float16 consists of zeros and of multiples of its smallest number, 2^-24. A kernel is reported \
      when underflow.share of its elements are zero, the mean size of the others (of another weight's, when none is left) \
      is below underflow.quanta times that number, and nothing in the network is below it, for underflow.patience batches \
      in a row; under a loss below underflow.loss, ten times as large will do, and only kernels must be above it. Critical \
      until the loss is below the first ones by learned.share. The network is, when from the first batch on every \
      gradient is zero under a loss that is not, but is below underflow.loss, as far as it is known; critical.
      """
    case .absent:
      """
      A weight is handed over without a gradient for absent.patience batches in a row. Critical while the kernel nearest \
      to the input is among such weights, they are absent.share of all or more, and the loss has not fallen by \
      learned.share; a warning otherwise. A weight that the training holds fixed is information; critical when \
      absent.held-share of all or more are held fixed from some batch on before the loss has fallen by learned.share, or \
      when the loss stays above guessing.share of that of guessing; in both cases the kernel nearest to the input must be \
      among them.
      """
    case .accumulating:
      """
      In a window of 16 batches, let s be the logarithm of the norm of the gradient and d that of what a batch adds, the \
      gradient minus the one before. The norm is accumulating.sum times the first one or more, and: either d varies and \
      the sum does not, the mean step of d being accumulating.variation or more, that of s at most accumulating.calm of \
      it, the median cosine between neighbours accumulating.cosine or more, and d once at least \
      s + log(accumulating.least); or the sum grows alone, s by log(accumulating.growth) from one half of the window to \
      the other, d by at most accumulating.share of that, with a median cosine of accumulating.growth-cosine or more. \
      Reported after accumulating.patience windows; critical until the loss is below the first ones by learned.share. In \
      a healthy run both vary alike.
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
