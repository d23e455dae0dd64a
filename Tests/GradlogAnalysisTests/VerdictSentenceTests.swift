import Foundation
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// The sentence that a diagnosis begins with.
struct VerdictSentenceTests {
  private func sentence(_ findings: [DiagnosedFinding], batches: Int = 100) -> String {
    Diagnosis(
      run: "r", rank: 0, batches: batches, weights: 8, stories: Story.stories(of: findings),
      profile: DepthProfile(kernels: [], batches: 0, window: .wholeRun)
    ).sentence
  }

  /// What is said of a symptom as a cause that lasts, as one that is over, and as what follows.
  struct Words: Sendable, CustomTestStringConvertible {
    let rule: Rule
    let symptom: Symptom
    var weight: String? = "w"
    var value = 0.75
    let cause: String
    let past: String
    let effect: String
    let pastEffect: String
    var testDescription: String { "\(symptom)" }
  }

  static let words: [Words] = [
    Words(
      rule: .nonFinite, symptom: .nonFinite(nan: 1, posinf: 0, neginf: 0),
      cause: "The gradient of 'w' has NaN or infinite elements from epoch 0, batch 9 on.",
      past:
        "The gradient of 'w' had NaN or infinite elements from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "NaN or infinity in 1 weight", pastEffect: "NaN or infinity in 1 weight for a while"),
    Words(
      rule: .nonFinite, symptom: .nonFiniteLoss, weight: nil,
      cause: "The loss is NaN or infinite from epoch 0, batch 9 on.",
      past: "The loss was NaN or infinite from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "NaN or infinity in the loss", pastEffect: "NaN or infinity in the loss for a while"),
    Words(
      rule: .exploding, symptom: .spike,
      cause: "The gradients jumped, most of all in 'w', in epoch 0, batch 9.",
      past: "The gradients jumped, most of all in 'w', in epoch 0, batch 9.",
      effect: "gradients that jumped", pastEffect: "gradients that jumped"),
    Words(
      rule: .exploding, symptom: .jump,
      cause: "The gradients explode, most of all in 'w', from epoch 0, batch 9 on.",
      past:
        "The gradients exploded, most of all in 'w', from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "exploding gradients", pastEffect: "exploding gradients for a while"),
    Words(
      rule: .exploding, symptom: .growth,
      cause: "The gradients explode, most of all in 'w', from epoch 0, batch 9 on.",
      past:
        "The gradients exploded, most of all in 'w', from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "exploding gradients", pastEffect: "exploding gradients for a while"),
    Words(
      rule: .exploding, symptom: .growthIntoNonFinite,
      cause:
        "The gradients exploded into NaN or infinity, most of all in 'w', in epoch 0, batch 9.",
      past: "The gradients exploded into NaN or infinity, most of all in 'w', in epoch 0, batch 9.",
      effect: "exploding gradients", pastEffect: "exploding gradients for a while"),
    Words(
      rule: .exploding, symptom: .lossGrowth, value: 9.274,
      cause: "The loss rises to 9.27 times what it was at first, from epoch 0, batch 9 on.",
      past:
        "The loss rose to 9.27 times what it was at first, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "a loss that rises", pastEffect: "a loss that rose for a while"),
    Words(
      rule: .exploding, symptom: .lossLevel, weight: nil,
      cause: "The loss is far above that of guessing from epoch 0, batch 9 on.",
      past:
        "The loss was far above that of guessing from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "a loss far above that of guessing",
      pastEffect: "a loss far above that of guessing for a while"),
    Words(
      rule: .exploding, symptom: .size, weight: nil,
      cause: "The gradients are too large for any training from epoch 0, batch 9 on.",
      past:
        "The gradients were too large for any training from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that are too large", pastEffect: "gradients that were too large"),
    Words(
      rule: .exploding, symptom: .firstSize,
      cause: "The gradients are too large, most of all in 'w', from epoch 0, batch 9 on.",
      past:
        "The gradients were too large, most of all in 'w', from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that are too large", pastEffect: "gradients that were too large"),
    Words(
      rule: .exploding, symptom: .largeInputs,
      cause:
        "The layers from 'w' to the last get inputs that are far too large from epoch 0, batch 9 on.",
      past:
        "The layers from 'w' to the last got inputs that were far too large from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "inputs that are too large", pastEffect: "inputs that were too large"),
    Words(
      rule: .vanishing, symptom: .smallWeights,
      cause:
        "The training suffers from weights that were initialized far too small, from epoch 0, batch 9 on.",
      past:
        "The training suffered from weights that were initialized far too small, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "weights that began far too small", pastEffect: "weights that began far too small"),
    Words(
      rule: .exploding, symptom: .largeWeights,
      cause:
        "The training suffers from 'w', which was initialized far too large, from epoch 0, batch 9 on.",
      past:
        "The training suffered from 'w', which was initialized far too large, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "weights that began far too large", pastEffect: "weights that began far too large"),
    Words(
      rule: .vanishing, symptom: .depth,
      cause:
        "The gradients vanish on their way to the input, at 'w' already, from epoch 0, batch 9 on.",
      past:
        "The gradients vanished on their way to the input, at 'w' already, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "vanishing gradients", pastEffect: "vanishing gradients for a while"),
    Words(
      rule: .exploding, symptom: .depthGrowth,
      cause:
        "The gradients grow by decades on their way to the input from epoch 0, batch 9 on.",
      past:
        "The gradients grew by decades on their way to the input from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that grow towards the input",
      pastEffect: "gradients that grew towards the input for a while"),
    Words(
      rule: .vanishing, symptom: .firstDepth,
      cause:
        "The training never began: gradients vanished on their way to the input, at 'w' already, from epoch 0, batch 9 on.",
      past:
        "The training never began: gradients vanished on their way to the input, at 'w' already, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that vanished at first", pastEffect: "gradients that vanished at first"),
    Words(
      rule: .vanishing, symptom: .firstTiny,
      cause:
        "The training hardly began: the gradients of all kernels were next to nothing from epoch 0, batch 9 on.",
      past:
        "The training hardly began: the gradients of all kernels were next to nothing from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "first gradients next to nothing", pastEffect: "first gradients next to nothing"),
    Words(
      rule: .vanishing, symptom: .decay,
      cause:
        "The gradients have decayed before anything was learned from epoch 0, batch 9 on.",
      past:
        "The gradients decayed before anything was learned from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that decayed", pastEffect: "gradients that decayed for a while"),
    Words(
      rule: .vanishing, symptom: .tiny,
      cause: "The gradients of all kernels are next to nothing from epoch 0, batch 9 on.",
      past:
        "The gradients of all kernels were next to nothing from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients next to nothing", pastEffect: "gradients next to nothing for a while"),
    Words(
      rule: .dead, symptom: .allZero, value: 1,
      cause: "All units of 'w' are dead from epoch 0, batch 9 on.",
      past: "All units of 'w' were dead from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "dead units in 1 weight", pastEffect: "dead units in 1 weight for a while"),
    Words(
      rule: .dead, symptom: .deadUnits,
      cause: "75 % of the units of 'w' are dead from epoch 0, batch 9 on.",
      past: "75 % of the units of 'w' were dead from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "dead units in 1 weight", pastEffect: "dead units in 1 weight for a while"),
    Words(
      rule: .stagnation, symptom: .identical, weight: nil,
      cause: "Each gradient repeats the one before from epoch 0, batch 9 on.",
      past: "Each gradient repeated the one before from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that repeat themselves",
      pastEffect: "gradients that repeated themselves for a while"),
    Words(
      rule: .stagnation, symptom: .flatLoss, weight: nil,
      cause: "The loss does not fall from epoch 0, batch 9 on.",
      past: "The loss did not fall from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "a loss that does not fall", pastEffect: "a loss that did not fall for a while"),
    Words(
      rule: .stagnation, symptom: .stall, weight: nil,
      cause:
        "The training hardly moves, though its gradients agree, from epoch 0, batch 9 on.",
      past:
        "The training hardly moved, though its gradients agree, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "a training that hardly moves",
      pastEffect: "a training that hardly moved for a while"),
    Words(
      rule: .oscillation, symptom: .turning, weight: nil,
      cause: "The gradients turn round from batch to batch from epoch 0, batch 9 on.",
      past:
        "The gradients turned round from batch to batch from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that turn round", pastEffect: "gradients that turned round for a while"),
    Words(
      rule: .underflow, symptom: .underflow,
      cause: "The gradient of 'w' is lost below the range of float16 from epoch 0, batch 9 on.",
      past:
        "The gradient of 'w' was lost below the range of float16 from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "underflow in 1 weight", pastEffect: "underflow in 1 weight for a while"),
    Words(
      rule: .underflow, symptom: .silence,
      cause: "Every gradient is lost below the range of float16 from epoch 0, batch 9 on.",
      past:
        "Every gradient was lost below the range of float16 from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients of zero", pastEffect: "gradients of zero for a while"),
    Words(
      rule: .absent, symptom: .held,
      cause: "'w' is held fixed from epoch 0, batch 9 on.",
      past: "'w' was held fixed from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "1 frozen weight", pastEffect: "1 frozen weight for a while"),
    Words(
      rule: .absent, symptom: .never,
      cause: "'w' gets no gradient from epoch 0, batch 9 on.",
      past: "'w' got no gradient from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "no gradient in 1 weight", pastEffect: "no gradient in 1 weight for a while"),
    Words(
      rule: .absent, symptom: .noLonger,
      cause: "'w' gets no gradient from epoch 0, batch 9 on.",
      past: "'w' got no gradient from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "no gradient in 1 weight", pastEffect: "no gradient in 1 weight for a while"),
    Words(
      rule: .accumulating, symptom: .accumulating, weight: nil,
      cause:
        "Gradients pile up, as they do when nothing clears them between steps, from epoch 0, batch 9 on.",
      past:
        "Gradients piled up, as they do when nothing clears them between steps, from epoch 0, batch 9 until epoch 0, batch 20.",
      effect: "gradients that pile up", pastEffect: "gradients that piled up for a while"),
  ]

  @Test(arguments: words) func aSymptomIsTold(_ words: Words) {
    func finding(isPast: Bool) -> DiagnosedFinding {
      .made(
        words.rule, .critical, words.weight, position: words.weight == nil ? nil : 3, at: 9,
        until: isPast ? 20 : 99, words.symptom, value: words.value, baseline: 1, isPast: isPast)
    }
    #expect(sentence([finding(isPast: false)]) == words.cause)
    #expect(sentence([finding(isPast: true)]) == words.past)
    for text in [words.cause, words.past] { #expect(text.split(separator: " ").count <= 25) }
    let cause = DiagnosedFinding.made(.noiseScale, at: 0, until: 99)
    for (isPast, effect) in [(false, words.effect), (true, words.pastEffect)] {
      let story = Story(findings: [cause, finding(isPast: isPast)])
      #expect(story.lines[1].consequence == effect)
    }
  }

  @Test func severalWeightsAreCounted() {
    func told(_ rule: Rule, _ symptom: Symptom, value: Double = 0.75) -> String {
      sentence(
        (0..<3).map { (place: Int) -> DiagnosedFinding in
          .made(
            rule, .critical, "w\(place)", position: place, at: 0, until: 99, symptom, value: value)
        })
    }
    #expect(
      told(.nonFinite, .nonFinite(nan: 1, posinf: 0, neginf: 0))
        == "The gradients of 'w0' and 2 more weights have NaN or infinite elements from the first batch on."
    )
    #expect(
      told(.dead, .deadUnits)
        == "Units of 'w0' (75 %) and of 2 more weights are dead from the first batch on.")
    #expect(
      told(.dead, .allZero, value: 1)
        == "Units of 'w0' (all) and of 2 more weights are dead from the first batch on.")
    #expect(
      told(.absent, .held) == "'w0' and 2 more weights are held fixed from the first batch on.")
    #expect(
      told(.absent, .never) == "'w0' and 2 more weights get no gradient from the first batch on.")
    #expect(
      told(.underflow, .underflow)
        == "The gradients of 'w0' and 2 more weights are lost below the range of float16 from the first batch on."
    )
  }

  @Test func whatFollowsAndWhatIsWrongBesidesHaveSentencesOfTheirOwn() {
    func critical(_ rule: Rule, _ weight: String? = nil, _ position: Int? = nil, at step: Int)
      -> DiagnosedFinding
    {
      .made(rule, .critical, weight, position: position, at: step, until: 99)
    }
    #expect(
      sentence([
        critical(.exploding, "w7", 7, at: 12), critical(.nonFinite, "w1", 1, at: 15),
        critical(.nonFinite, "w2", 2, at: 15), critical(.stagnation, at: 0),
        .made(.noiseScale, .info, at: 50, until: 99),
      ])
        == "The gradients explode, most of all in 'w7', from epoch 0, batch 12 on. What follows: NaN or infinity in 2 "
        + "weights and a loss that does not fall.")
    #expect(
      sentence([critical(.vanishing, "w0", 0, at: 0), critical(.exploding, "w1", 1, at: 40)])
        == "The gradients vanish on their way to the input, at 'w0' already, from the first batch on. Besides, the gradients "
        + "explode, most of all in 'w1', from epoch 0, batch 40 on.")
    // A loss that rises does not fall.
    #expect(
      sentence([
        .made(
          .exploding, .critical, "w", position: 0, at: 9, until: 99, .lossGrowth, value: 8,
          baseline: 2), critical(.stagnation, at: 0),
      ]) == "The loss rises to 4 times what it was at first, from epoch 0, batch 9 on.")
  }

  @Test func whatCannotBeListenedToIsCounted() {
    let troubles: [DiagnosedFinding] = [
      .made(.stagnation, .critical, at: 1, until: 99, .stall),
      .made(.oscillation, .critical, at: 20, until: 99),
      .made(.vanishing, .critical, "a", position: 0, at: 40, until: 99),
      .made(.accumulating, .critical, at: 60, until: 99),
      .made(.absent, .critical, "b", position: 1, at: 80, until: 99),
    ]
    // Each begins before what it could follow from.
    let told = Story.stories(of: Array(troubles.reversed()))
    #expect(told.count >= 4)
    #expect(sentence(troubles).hasSuffix(" There is 1 more.") == (told.count == 4))
    #expect(sentence(troubles).components(separatedBy: "Besides, ").count == 3)
  }

  @Test func aHealthyRunIsToldFromAShortOne() {
    #expect(sentence([]) == "No rule is broken in 100 batches of 8 weights.")
    #expect(sentence([], batches: 0) == "Nothing was recorded, so nothing can be said.")
    #expect(
      sentence([], batches: 1) == "Nothing is wrong so far, but 1 batch is too few for most rules.")
  }

  @Test func aNameCannotMoveTheCursor() {
    #expect(
      sentence([.made(.absent, .warning, "w\n", position: 0, at: 0, until: 99)])
        == "'w\\n' gets no gradient from the first batch on.")
    #expect(
      sentence([.made(.nonFinite, .critical, "w", position: 0, at: 0, until: 0)])
        == "The gradient of 'w' has NaN or infinite elements in the first batch.")
  }
}
