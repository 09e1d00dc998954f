// Package parquet draft
package parquet
