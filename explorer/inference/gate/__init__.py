"""What an ONNX file must pass before ONNX Runtime sees it."""
