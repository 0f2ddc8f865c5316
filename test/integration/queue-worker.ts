// A fetcher's stand-in to be killed: says which job it began, and never finishes.
import { createConsumer } from '@cimd/queue'

const [url = '', schema] = process.argv.slice(2)

createConsumer({
  url,
  schema,
  queue: 'fetch',
  concurrency: 1,
  run: ({ client }) => {
    process.stdout.write(`${client}\n`)
    return new Promise(() => undefined)
  },
  onError: (error) => console.error(error),
  onFailed: (failure) => console.error(failure),
})
