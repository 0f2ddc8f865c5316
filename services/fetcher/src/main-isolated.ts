import { serveIsolated } from './isolation/serve-isolated.ts'

serveIsolated()
