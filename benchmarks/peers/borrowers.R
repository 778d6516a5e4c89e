# Usage: Rscript borrowers.R borrowers.cpp data.csv prior_sd,prior_sd,...
# data.csv has columns trials, defaults, and the predictors. Prints seconds (optimise and report
# sds; compiling is not counted), then outer mode, outer sds and the first effects' sds, as CSV.
suppressPackageStartupMessages(library(TMB))
arguments <- commandArgs(trailingOnly = TRUE)
template <- sub("[.]cpp$", "", arguments[1])
invisible(capture.output(compile(arguments[1])))
dyn.load(dynlib(template))

data <- read.csv(arguments[2])
predictors <- as.matrix(data[, -(1:2)])
objective <- MakeADFun(
  data = list(
    predictors = predictors, trials = data$trials, defaults = data$defaults,
    prior_sd = as.numeric(strsplit(arguments[3], ",")[[1]])
  ),
  parameters = list(
    coefficients = rep(0, ncol(predictors)), log_sigma = 0, effect = rep(0, nrow(data))
  ),
  random = "effect", DLL = basename(template), silent = TRUE
)
seconds <- system.time({
  optimum <- nlminb(objective$par, objective$fn, objective$gr)
  report <- sdreport(objective)
})["elapsed"]
cat(seconds, "\n", sep = "")
cat(optimum$par, sep = ",", fill = 10000)
cat(sqrt(diag(report$cov.fixed)), sep = ",", fill = 10000)
cat(sqrt(report$diag.cov.random)[1:5], sep = ",", fill = 10000)
