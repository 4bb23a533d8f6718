#!/usr/bin/env python3
"""Three questions to a lake, with Apache Spark.

    pip install pyspark==4.2.0 delta-spark==4.4.0      (and Java 17 or newer)
    python3 examples/with_spark.py build/demo/ca/collector/lake/acme

Too heavy for every test run: `tools/dev prove road` reads all tables with Spark, and checks this file's answers there.
"""
import sys

from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def session():
    builder = (SparkSession.builder.master("local[2]").appName("longhaul")
               .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
               .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
               .config("spark.sql.session.timeZone", "UTC"))
    return configure_spark_with_delta_pip(builder).getOrCreate()


def worst_links(spark, lake):
    return (spark.read.format("delta").load(f"{lake}/pre_fec_ber")
            .where(f.col("stats_type").isin("avg", "max"))
            .groupBy("device").agg(f.max("value").alias("worst"), f.avg("value").alias("mean"))
            .orderBy(f.desc("worst"), "device").limit(5))


def slowest_routes(spark, lake):
    return (spark.read.format("delta").load(f"{lake}/bus_position")
            .where("speed > 0")
            .groupBy("route_id")
            .agg((f.avg("speed") * 3.6).alias("km_h"), f.countDistinct("device").alias("buses"),
                 f.count("*").alias("positions"))
            .where("positions >= 100").orderBy("km_h", "route_id").select("route_id", "km_h", "buses").limit(5))


def power_cuts(spark, lake):
    cut = f.when((f.col("previous_epoch") > 0) & ~f.col("previous_clean"), 1).otherwise(0)
    return (spark.read.format("delta").load(f"{lake}/_epochs")
            .groupBy("device").agg(f.count("*").alias("boots"), f.sum(cut).alias("cuts"))
            .orderBy(f.desc("cuts"), "device").limit(5))


def answers(lake, spark=None):
    spark = spark or session()
    return [[tuple(row) for row in question(spark, lake).collect()] for question in (worst_links, slowest_routes, power_cuts)]


if __name__ == "__main__":
    for question in (worst_links, slowest_routes, power_cuts):
        question(session(), sys.argv[1]).show(truncate=False)
