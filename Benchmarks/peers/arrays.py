"""Array stores: they keep the values and nothing computed from them."""

import numpy

# A buffered peer collects this much of a weight, at most a thousand batches, before it writes.
CHUNK = 4 << 20


def chunk_lengths(stream):
    # No longer than the stream: the unused rest of a chunk would be written too.
    most = min(1_000, len(stream.values))
    return [max(1, min(most, CHUNK // (4 * int(numpy.prod(shape))))) for shape in stream.shapes]


class H5py:
    """One data set a weight, one write a batch."""

    keeps = "values"
    buffered = False

    def __init__(self, folder, stream):
        import h5py

        self.path = folder / "gradients.h5"
        self.file = h5py.File(self.path, "w", libver="latest")
        self.lengths = chunk_lengths(stream)
        self.sets = [
            self.file.create_dataset(name, (0, *shape), "<f4", maxshape=(None, *shape), chunks=(length, *shape))
            for name, shape, length in zip(stream.names, stream.shapes, self.lengths)
        ]
        self.names = stream.names

    def record(self, step, tensors):
        for data_set, tensor in zip(self.sets, tensors):
            data_set.resize(step + 1, axis=0)
            data_set[step] = tensor

    def close(self):
        self.file.close()

    def count(self):
        import h5py

        with h5py.File(self.path) as file:
            return sum(len(file[name]) for name in self.names)


class H5pyBuffered(H5py):
    """The same, a chunk of each weight collected in memory first."""

    def __init__(self, folder, stream):
        super().__init__(folder, stream)
        self.buffers = [
            numpy.empty((length, *shape), "<f4") for shape, length in zip(stream.shapes, self.lengths)
        ]
        self.step = 0

    def record(self, step, tensors):
        for index, tensor in enumerate(tensors):
            length = self.lengths[index]
            self.buffers[index][step % length] = tensor
            if step % length == length - 1:
                self.flush(index, step + 1)
        self.step = step + 1

    def flush(self, index, end):
        data_set = self.sets[index]
        start = len(data_set)
        data_set.resize(end, axis=0)
        data_set[start:end] = self.buffers[index][: end - start]

    def close(self):
        for index, data_set in enumerate(self.sets):
            if len(data_set) < self.step:
                self.flush(index, self.step)
        super().close()


class Safetensors:
    """One file a step."""

    keeps = "values"

    def __init__(self, folder, stream):
        from safetensors.numpy import save_file

        self.folder = folder
        self.names = stream.names
        self.save = save_file

    def record(self, step, tensors):
        self.save(dict(zip(self.names, tensors)), self.folder / f"{step:06}.safetensors")

    def close(self):
        pass

    def count(self):
        from safetensors import safe_open

        count = 0
        for path in self.folder.glob("*.safetensors"):
            with safe_open(path, "numpy") as file:
                count += len(file.keys())
        return count


class Zarr:
    """One array a weight, a chunk of it collected in memory first, no compression."""

    keeps = "values"

    def __init__(self, folder, stream):
        import zarr

        self.path = folder / "gradients.zarr"
        group = zarr.open_group(self.path, mode="w")
        self.lengths = chunk_lengths(stream)
        self.arrays = [
            group.create_array(
                name, shape=(0, *shape), dtype="<f4", chunks=(length, *shape), compressors=None
            )
            for name, shape, length in zip(stream.names, stream.shapes, self.lengths)
        ]
        self.names = stream.names
        self.buffers = [
            numpy.empty((length, *shape), "<f4") for shape, length in zip(stream.shapes, self.lengths)
        ]
        self.step = 0

    def record(self, step, tensors):
        for index, tensor in enumerate(tensors):
            length = self.lengths[index]
            self.buffers[index][step % length] = tensor
            if step % length == length - 1:
                self.flush(index, length)
        self.step = step + 1

    def flush(self, index, count):
        self.arrays[index].append(self.buffers[index][:count])

    def close(self):
        for index, length in enumerate(self.lengths):
            if self.step % length:
                self.flush(index, self.step % length)

    def count(self):
        import zarr

        group = zarr.open_group(self.path, mode="r")
        return sum(group[name].shape[0] for name in self.names)
