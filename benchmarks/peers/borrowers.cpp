// The model of tripos.models.borrowers for TMB (Kristensen et al. 2016); borrowers.R fits it.
#include <TMB.hpp>

template <class Type>
Type objective_function<Type>::operator()() {
  DATA_MATRIX(predictors);  // with a column of ones
  DATA_VECTOR(trials);
  DATA_VECTOR(defaults);
  DATA_VECTOR(prior_sd);
  PARAMETER_VECTOR(coefficients);
  PARAMETER(log_sigma);
  PARAMETER_VECTOR(effect);

  Type sigma = exp(log_sigma);
  vector<Type> logit = predictors * coefficients + effect;
  Type logp = 0.5 * log(2.0 / M_PI) - 0.5 * sigma * sigma + log_sigma;
  for (int k = 0; k < coefficients.size(); k++)
    logp += dnorm(coefficients(k), Type(0), prior_sd(k), true);
  for (int j = 0; j < effect.size(); j++) {
    logp += dnorm(effect(j), Type(0), sigma, true);
    logp += dbinom_robust(defaults(j), trials(j), logit(j), true);
  }
  return -logp;
}
