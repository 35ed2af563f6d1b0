"""Converts programs of PyTorch to ONNX, in the reader process, which alone imports PyTorch.

They are TorchScript (``torch.jit.save``) or exported programs (``torch.export.save``, ``.pt2``). Both hold code, so the
user must trust the file first. `warming` loads PyTorch before the limits are set, `shapes` finds out what inputs
TorchScript takes, `converting` is the reader, and `comparing` compares PyTorch with the converted network. `reading` is
the call of the reader; `explorer.inference.onnx_import` imports what it returns.
"""
