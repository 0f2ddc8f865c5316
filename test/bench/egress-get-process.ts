import { measureGuardedGet } from './egress-get.ts'

// A process of its own, as for validation: nothing but what is measured is loaded.
console.log(JSON.stringify(await measureGuardedGet(JSON.parse(process.argv[2] ?? ''))))
