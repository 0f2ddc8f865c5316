import type { PipelineSuite } from './pipeline-suite.ts'
import type { LogLine } from './service-process.ts'

/**
 * Resolves once every fetch of a URL that the origin has seen so far has ended and is recorded. The fetcher must be the only
 * one that there was.
 */
export async function fetchesRecorded({ origin, pipeline }: PipelineSuite, url: string): Promise<void> {
  const hits = origin.hits(url)
  let ended = 0
  await pipeline.running('fetcher').logged((line) => {
    if (isAttemptOn(line, url)) ended += 1
    return ended >= hits
  })
}

function isAttemptOn(line: LogLine, url: string): boolean {
  if (line.event === 'fetch.attempted') return line['client_id'] === url
  return line.event === 'resource.attempted' && line['url'] === url
}
