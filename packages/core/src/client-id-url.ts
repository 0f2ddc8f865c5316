/** A string that passed `parseClientIdUrl`: the identifier exactly as presented, never re-serialised (CID-10, CID-11). */
export type ClientIdUrl = string & { readonly __brand: 'ClientIdUrl' }
