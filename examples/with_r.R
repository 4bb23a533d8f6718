# Three questions to a lake, with R.
#
#     install.packages(c("arrow", "jsonlite", "dplyr"))
#     Rscript examples/with_r.R build/demo/ca/collector/lake/acme
#
# R has no reader of Delta tables of its own, so `active_files` reads the log: which files are there, less those that were
# removed. It reads tables whose log has no checkpoint yet. Continuous integration does not run this file, because Debian
# packages no R library that reads Parquet; DuckDB's R package, with `delta_scan`, is the other way.

library(arrow)
library(dplyr)

active_files <- function(table) {
  log <- sort(list.files(file.path(table, "_delta_log"), pattern = "^[0-9]{20}\\.json$", full.names = TRUE))
  if (file.exists(file.path(table, "_delta_log", "_last_checkpoint"))) stop("the log has a checkpoint: use DuckDB")
  actions <- lapply(unlist(lapply(log, readLines)), jsonlite::fromJSON, simplifyVector = FALSE)
  files <- character()
  for (action in actions) {
    if (!is.null(action$add)) files <- union(files, action$add$path)
    if (!is.null(action$remove)) files <- setdiff(files, action$remove$path)
  }
  file.path(table, files)
}

read_table <- function(lake, name) open_dataset(active_files(file.path(lake, name)))

worst_links <- function(lake) {
  read_table(lake, "pre_fec_ber") |>
    filter(stats_type %in% c("avg", "max")) |>
    group_by(device) |>
    summarise(worst = max(value), mean = mean(value)) |>
    arrange(desc(worst), device) |> head(5) |> collect()
}

slowest_routes <- function(lake) {
  read_table(lake, "bus_position") |>
    filter(speed > 0) |>
    group_by(route_id) |>
    summarise(km_h = mean(speed) * 3.6, buses = n_distinct(device), positions = n()) |>
    filter(positions >= 100) |>
    arrange(km_h, route_id) |> select(route_id, km_h, buses) |> head(5) |> collect()
}

power_cuts <- function(lake) {
  read_table(lake, "_epochs") |>
    group_by(device) |>
    summarise(boots = n(), cuts = sum(previous_epoch > 0 & !previous_clean)) |>
    arrange(desc(cuts), device) |> head(5) |> collect()
}

lake <- commandArgs(trailingOnly = TRUE)[1]
for (question in list(worst_links, slowest_routes, power_cuts)) print(question(lake))
