export { type BackendKind, backendKind, DEFAULT_SCHEMA, type QueueStoreOptions } from './backend.ts'
export {
  type Bridge,
  type BridgeBatch,
  type BridgeEntry,
  type BridgeOptions,
  BridgeRefusedError,
} from './bridge/bridge.ts'
export {
  createQueueBridge,
  DEFAULT_BRIDGE_QUEUE_PREFIX,
  type QueueBridgeOptions,
} from './bridge/queue-bridge.ts'
export { createStreamBridge, type StreamBridgeOptions } from './bridge/stream-bridge.ts'
export { type Consumer, type ConsumerOptions, createConsumer, type JobFailure } from './consumer.ts'
export { QueueUnavailableError } from './deadline.ts'
export {
  type ClientJob,
  type ClientQueue,
  JOB_VERSION,
  type LaneJob,
  type ParsedJob,
  parseJob,
  QUEUE_NAMES,
  type QueueName,
} from './jobs.ts'
export { createProducer, type Producer, type ProducerOptions, type QueueCounts } from './producer.ts'
export { type PrepareOptions, prepareQueueStore, QueueStoreError } from './queue-store.ts'
