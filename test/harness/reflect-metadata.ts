/**
 * The part of the metadata reflection API that @peculiar/x509 (through tsyringe) wants to find at import: no class
 * here is injected by its parameter types, so nothing is ever recorded.
 */
const api = { getMetadata: () => undefined, getOwnMetadata: () => undefined, defineMetadata: () => undefined }

for (const [name, value] of Object.entries(api))
  if (!Object.hasOwn(Reflect, name))
    Object.defineProperty(Reflect, name, { value, configurable: true, writable: true })
