import { startSite } from './egress-site.ts'

// A process of its own, like origin-process.ts; asked for anything, it tells who was connected to.
const { connections, ...facts } = await startSite(JSON.parse(process.argv[2] ?? ''))
process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.(connections()))
process.send?.(facts)
