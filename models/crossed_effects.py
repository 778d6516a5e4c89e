"""Ratings of lecturers by students: normal data with two effects that are crossed, not nested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm

INTERCEPT, STUDENT_SD, LECTURER_SD, NOISE_SD = 3.0, 0.6, 0.8, 0.5
"""What the data are simulated with."""


@dataclass(frozen=True)
class Ratings:
    """N ratings, each given by one student to one lecturer.

    Attributes
    ----------
    student, lecturer : (N,) array of int
    rating : (N,) array
    """

    student: np.ndarray
    lecturer: np.ndarray
    rating: np.ndarray


def simulated_ratings(
    students: int = 200, lecturers: int = 50, each: int = 5, random_seed: int = 20260101
) -> Ratings:
    """Simulate students who rate ``each`` lecturers, drawn at random, with replacement."""
    rng = np.random.default_rng(random_seed)
    student = np.repeat(np.arange(students), each)
    lecturer = rng.integers(lecturers, size=student.size)
    by_student = STUDENT_SD * rng.standard_normal(students)
    by_lecturer = LECTURER_SD * rng.standard_normal(lecturers)
    noise = NOISE_SD * rng.standard_normal(student.size)
    return Ratings(
        student, lecturer, INTERCEPT + by_student[student] + by_lecturer[lecturer] + noise
    )


def crossed_effects(
    students: int = 200,
    lecturers: int = 50,
    each: int = 5,
    random_seed: int = 20260101,
    *,
    centred: bool = True,
) -> pm.Model:
    """Linear mixed model: rating = intercept + student + lecturer + noise, as in lme4.

    Given the three standard deviations everything is normal, so the effects can be integrated out
    in closed form: the ratings are then normal, their covariance a sum of three parts.

    Parameters
    ----------
    students, lecturers : int
        Numbers of levels of the two effects.
    each : int, default 5
        Ratings given by each student.
    random_seed : int
        Seed of the simulated data.
    centred : bool, default True
        Whether the effects themselves are free variables. Their joint density then grows without
        bound as a standard deviation goes to 0, so `laplace` may find no mode. With False they
        are divided by their standard deviations.

    Returns
    -------
    pymc.Model
        With ``intercept`` ~ N(0, 5), ``student_sd``, ``lecturer_sd`` and ``noise_sd`` ~
        HalfNormal(1), and the effects ``student_effect`` (student) and ``lecturer_effect``
        (lecturer).
    """
    data = simulated_ratings(students, lecturers, each, random_seed)
    coords = {
        "student": range(students),
        "lecturer": range(lecturers),
        "rating": range(len(data.rating)),
    }
    with pm.Model(coords=coords) as model:
        intercept = pm.Normal("intercept", 0.0, 5.0)
        noise_sd = pm.HalfNormal("noise_sd", 1.0)
        by_student = _effect("student", centred=centred)
        by_lecturer = _effect("lecturer", centred=centred)
        student = pm.Data("student_of_rating", data.student, dims="rating")
        lecturer = pm.Data("lecturer_of_rating", data.lecturer, dims="rating")
        mean = intercept + by_student[student] + by_lecturer[lecturer]
        pm.Normal("ratings", mean, noise_sd, observed=data.rating, dims="rating")
    return model


def _effect(dim: str, *, centred: bool) -> pm.Distribution:
    sd = pm.HalfNormal(f"{dim}_sd", 1.0)
    if centred:
        return pm.Normal(f"{dim}_effect", 0.0, sd, dims=dim)
    z = pm.Normal(f"{dim}_z", 0.0, 1.0, dims=dim)
    return pm.Deterministic(f"{dim}_effect", sd * z, dims=dim)
