"""Raises while it is loaded."""


def read_price_list():
    raise ValueError("no price\nlist")


PRICES = read_price_list()
