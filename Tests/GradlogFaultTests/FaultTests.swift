import Testing

/// What must not lose a committed batch, nor stop or silently spoil a training. One fault at a time:
/// they need the machine's time to themselves.
@Suite(.serialized) struct FaultTests {}
