"""How well the attendant understands, measured on data its engine was not made from; no part of the product."""
