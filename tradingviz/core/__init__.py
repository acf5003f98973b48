"""The ground floor: small tools that know no app."""
