import { measureValidation } from './validation.ts'

// A process of its own: what the harness loads slows the engine's arrays down, and no service loads it.
console.log(JSON.stringify(measureValidation(JSON.parse(process.argv[2] ?? ''))))
