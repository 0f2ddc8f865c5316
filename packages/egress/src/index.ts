export { createAskNameServers } from './ask-name-servers.ts'
export {
  type AddressClass,
  type AddressPolicy,
  classifyAddress,
  createClassifier,
} from './classify-address.ts'
export { type Dial, dialTcp } from './dial.ts'
export { dialThroughProxy } from './dial-through-proxy.ts'
export { FetchError } from './fetch-error.ts'
export { createFetchDocument, createGuardedFetch, type GuardedFetchOptions } from './guarded-fetch.ts'
export { createGuardedPost, type GuardedPostOptions } from './guarded-post.ts'
export { dangerousEnvironment } from './refuse-environment.ts'
export { createResolver, type Resolve } from './resolve.ts'
export { GLOBAL_UNICAST_IPV6, SPECIAL_USE_BLOCKS, type SpecialUseBlock } from './special-use-blocks.ts'
export {
  guardedOptions,
  type InjectedNetwork,
  nameServerQuestion,
  USABLE_SETTINGS,
  type WayOut,
} from './way-out.ts'
