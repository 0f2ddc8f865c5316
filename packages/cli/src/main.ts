#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Most of the time of a short command would go into reading its own sources.
enableCompileCache()
await import('./command-line.ts')
