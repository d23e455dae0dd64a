"""What people log gradients with today. These keep a histogram of each gradient, and no gradient."""

import os


class TensorBoard:
    """`SummaryWriter.add_histogram` for each weight, with its default bins."""

    keeps = "histogram"

    def __init__(self, folder, stream):
        from tensorboardX import SummaryWriter

        self.folder = folder
        self.names = stream.names
        self.writer = SummaryWriter(str(folder))

    def record(self, step, tensors):
        for name, tensor in zip(self.names, tensors):
            self.writer.add_histogram(name, tensor, step)

    def close(self):
        self.writer.close()

    def count(self):
        from tensorboardX.event_file_writer import EventsWriter  # noqa: F401
        from tensorboardX.proto.event_pb2 import Event

        count = 0
        for path in self.folder.glob("events.*"):
            data = path.read_bytes()
            position = 0
            while position < len(data):
                # TFRecord: length, checksum of it, the event, checksum of it.
                length = int.from_bytes(data[position : position + 8], "little")
                event = Event.FromString(data[position + 12 : position + 12 + length])
                count += sum(value.HasField("histo") for value in event.summary.value)
                position += 16 + length
        return count


class WandbOffline:
    """`wandb.Histogram` of 64 bins for each weight, as `wandb.watch` logs them, offline."""

    keeps = "64-bin histogram"

    def __init__(self, folder, stream):
        os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
        # Everything else that it keeps beside the run stays in the folder of the measurement.
        for kind in ("CACHE", "CONFIG", "DATA"):
            os.environ[f"WANDB_{kind}_DIR"] = str(folder)
        import wandb

        self.folder = folder
        self.names = [f"gradients/{name}" for name in stream.names]
        self.histogram = wandb.Histogram
        self.run = wandb.init(dir=str(folder), project="benchmark", settings=wandb.Settings(x_disable_stats=True))

    def record(self, step, tensors):
        self.run.log({name: self.histogram(tensor) for name, tensor in zip(self.names, tensors)}, step=step)

    def close(self):
        self.run.finish()

    def count(self):
        from wandb.proto.wandb_internal_pb2 import Record

        (path,) = self.folder.glob("wandb/offline-run-*/*.wandb")
        count = 0
        for data in records(path.read_bytes()):
            for item in Record.FromString(data).history.item:
                count += item.nested_key[-1:] == ["_type"] and item.value_json == '"histogram"'
        return count


def records(log):
    """The records of a LevelDB log after its header of 7 bytes.

    https://github.com/google/leveldb/blob/main/doc/log_format.md
    """
    block, header, position, record = 32_768, 7, 7, b""
    while position + header <= len(log):
        if block - position % block < header:
            position += block - position % block
            continue
        length = int.from_bytes(log[position + 4 : position + 6], "little")
        kind = log[position + 6]
        position += header
        record += log[position : position + length]
        position += length
        # 1 is a whole record, 4 the last part of one.
        if kind in (1, 4):
            yield record
            record = b""
