"""The normal approximation of posteriors too large for a Hessian: by Hessian-vector products.

``newton_cg`` finds the mode, ``low_rank`` the leading curvature relative to the prior's.
"""
