"""What a user is told: what cannot be converted, and what to do."""


class Problem(Exception):
    pass
