import { classifyContentType } from '../response/content-type.ts'

export type Verdict =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly rule: string; readonly reason: string }

/**
 * The default policy's verdict on a valid version. `text/plain` is fetched but not admitted (FET-08): it is
 * what code hosts serve for anybody's file, where the owner of the host is not the publisher.
 */
export function admitVersion(version: { readonly contentType: string }): Verdict {
  if (classifyContentType(version.contentType) !== 'text') return { admitted: true }
  return {
    admitted: false,
    rule: 'content_type_text',
    reason: 'The document is served as text/plain; serve it as application/json.',
  }
}
