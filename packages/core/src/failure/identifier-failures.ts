import { type FailureFacts, refused } from './failure-facts.ts'

/** Why a string is no client identifier URL that we fetch from: one code for each way (CID-01 to CID-16). */
export const IDENTIFIER_FAILURES = {
  url_too_long: refused('The client_id is longer than 2048 bytes.', 'Choose a shorter URL.'),
  url_scheme: refused(
    'The client_id is not an https URL.',
    'Use an absolute URL that begins with https://, for local development too.',
  ),
  url_host_missing: refused('The client_id names no host.', 'Write the host name after https://.'),
  url_userinfo: refused(
    'The client_id has a userinfo component, which may be empty.',
    'Remove everything up to and including the @ before the host.',
  ),
  url_path_missing: refused(
    'The client_id has no path.',
    'Name the document by its path, as in https://app.example.com/client.json.',
  ),
  url_dot_segment: refused(
    'The path of the client_id has a "." or ".." segment.',
    'Write the path without dot segments.',
  ),
  url_dot_segment_escaped: refused(
    'The path of the client_id has an escaped "." or ".." segment, which URL libraries collapse.',
    'Write the path without dot segments, escaped or not.',
  ),
  url_fragment: refused(
    'The client_id has a fragment, which may be empty.',
    'Remove the # and what follows it.',
  ),
  url_character: refused(
    'The client_id holds a character that no URI may hold.',
    'Percent-encode the character; write an internationalised host as its A-label (xn--).',
  ),
  url_escape: refused(
    'The client_id holds a % that starts no valid escape.',
    'Write %25 for a percent sign, and two hexadecimal digits after every other %.',
  ),
  url_unparsable: refused('No URL library reads this client_id.', 'Check the host and the port.'),
  non_canonical: refused(
    'A URL library would change this client_id, so what is fetched would differ from what is compared.',
    'Publish and use the URL in its canonical spelling: lower-case scheme and host, no default port.',
  ),
  port_invalid: refused(
    'The port of the client_id is not a number from 1 to 65535.',
    'Leave the port out: 443 is implied.',
  ),
  port_not_allowed: refused(
    'The client_id names a port this deployment does not fetch from.',
    'Serve it on port 443.',
  ),
  host_ip_literal: refused(
    'The host of the client_id is an IP address, perhaps in disguise.',
    'Serve the document from a public host name.',
  ),
  host_trailing_dot: refused(
    'The host of the client_id ends in a dot.',
    'Remove the dot: the name with it is a second identifier for the same host.',
  ),
  host_single_label: refused(
    'The host of the client_id is a single label.',
    'Serve the document from a public host name, which has at least two labels.',
  ),
  host_invalid: refused(
    'The host of the client_id is no DNS host name.',
    'Use labels of letters, digits and hyphens, of at most 63 characters, 253 together.',
  ),
  host_special_use: refused(
    'The top-level domain of the host is special-use or private.',
    'Serve the document from a public host name.',
  ),
} as const satisfies Record<string, FailureFacts>
