"""Why a case was decided as it was, in sentences, from its evidence alone."""
