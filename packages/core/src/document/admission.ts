import { classifyContentType } from '../response/content-type.ts'
import type { ClientMetadata } from './client-metadata.ts'
import { judgeProfile } from './judge-profile.ts'
import { isProfileId } from './profiles.ts'

export type Verdict =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly rule: string; readonly reason: string }

/** A valid version: what it says and how it was served. */
export type AdmissibleVersion = { readonly metadata: ClientMetadata; readonly contentType: string }

/**
 * The verdict on a valid version for a tenant with a profile (POL-05, DOC-13). `text/plain` is fetched but not
 * admitted (FET-08): it is what code hosts serve for anybody's file, where the owner of the host is not the publisher.
 * A profile that this release does not know admits nobody.
 */
export function admitVersion(version: AdmissibleVersion, profile: string): Verdict {
  if (classifyContentType(version.contentType) === 'text') {
    const reason = 'The document is served as text/plain; serve it as application/json.'
    return { admitted: false, rule: 'content_type_text', reason }
  }
  if (!isProfileId(profile)) {
    return {
      admitted: false,
      rule: 'profile_unknown',
      reason: `This release does not know the profile ${profile}.`,
    }
  }
  const [first] = judgeProfile(profile, version)
  if (first === undefined) return { admitted: true }
  const reason = `${first.member ?? 'The document'} ${first.detail} (profile ${profile}).`
  return { admitted: false, rule: first.code, reason }
}
