"""The screens. Each is a pair `x.py` and `x.tcss`; what it says is worked out in `x_model.py`, without Textual."""
