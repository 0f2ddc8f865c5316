export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded.ts'
export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './error.ts'
